"""Classification: one of C classes, from the pooled vector of a text or a pair.

Shape letters: E examples, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from panda_ray.tasks.kinds.kind import TaskKind
from panda_ray.tasks.kinds.labels import code_complaint, coder

if TYPE_CHECKING:
    from panda_ray.tasks.encoded import EncodedSplit
    from panda_ray.tasks.task import Row, TaskSpec


class Classification(TaskKind):
    """A label is the code of a class; a prediction too."""

    name = "classification"
    has_classes = True
    must_vary = True

    def normal_label(self, spec: TaskSpec) -> Callable[[Any], Any]:
        return coder(spec)

    def complaint(self, spec: TaskSpec, row: Row) -> str | None:
        return code_complaint(spec, row[spec.label_column])

    def value_name(self, spec: TaskSpec, value: Any) -> str:
        return str(spec.labels[value])

    def output_size(self, spec: TaskSpec) -> int:
        return len(spec.labels)

    def decode(self, spec: TaskSpec, split: EncodedSplit, kept_E: NDArray[Any]) -> tuple[int, ...]:
        """The class with the largest of the outputs (E, C)."""
        return tuple(kept_E.argmax(axis=1).tolist())


CLASSIFICATION = Classification()
