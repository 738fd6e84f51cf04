"""Kinds whose examples have one right answer among a few: a label is its code, and a prediction the best output's.

Shape letters: E examples, C outputs that a softmax runs over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from panda_ray.tasks.kinds.kind import TaskKind, softmax
from panda_ray.tasks.kinds.labels import code_complaint, coder

if TYPE_CHECKING:
    from panda_ray.tasks.encoded import EncodedSplit
    from panda_ray.tasks.task import Row, TaskSpec


class CodedKind(TaskKind):
    """What such kinds have in common; `TaskSpec.labels` names the codes."""

    def normal_label(self, spec: TaskSpec) -> Callable[[Any], Any]:
        return coder(spec)

    def complaint(self, spec: TaskSpec, row: Row) -> str | None:
        return code_complaint(spec, row[spec.label_column])

    def value_name(self, spec: TaskSpec, value: Any) -> str:
        return str(spec.labels[value])

    def decode(self, spec: TaskSpec, split: EncodedSplit, kept_E: NDArray[Any]) -> tuple[int, ...]:
        """The answer with the largest of the outputs (E, C)."""
        return tuple(kept_E.argmax(axis=1).tolist())

    def named(self, spec: TaskSpec, prediction: int) -> str:
        return spec.labels[prediction]

    def probabilities(self, spec: TaskSpec, split: EncodedSplit, outputs_E: NDArray[Any]) -> tuple[Any, ...]:
        """Of every label, by its name."""
        return tuple(dict(zip(spec.labels, each, strict=True)) for each in softmax(outputs_E).tolist())
