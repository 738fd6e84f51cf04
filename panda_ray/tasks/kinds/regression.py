"""Regression: one number, from the pooled vector of a text or a pair, learnt by squared error.

Shape letters: S members, B examples of a step, E examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.tasks.kinds.kind import TaskKind
from panda_ray.tasks.kinds.labels import NO_LABEL_HINT, shown
from panda_ray.tasks.kinds.own import own_cells, own_templates
from panda_ray.tasks.kinds.own.own_columns import OwnColumns

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.tasks.encoded import EncodedSplit
    from panda_ray.tasks.task import Row, TaskSpec


class Regression(TaskKind):
    """A label is a finite number in `TaskSpec.label_range`; a prediction is any number."""

    name = "regression"
    answer = "the output is the number"
    own_columns = OwnColumns(("pearson_spearman_mean",), own_templates.one_or_two, own_cells.number, takes=("pair",))
    has_label_names = False
    must_vary = True
    label_type = np.float32
    has_softmax = False

    def normal_label(self, spec: TaskSpec) -> Callable[[Any], Any]:
        return lambda label: float(label) if isinstance(label, int) and not isinstance(label, bool) else label

    def complaint(self, spec: TaskSpec, row: Row) -> str | None:
        label = row[spec.label_column]
        if isinstance(label, bool) or not isinstance(label, float) or not math.isfinite(label):
            return f"{shown(label)} is not a finite number"
        if spec.label_range is None:
            return None
        low, high = spec.label_range
        hint = NO_LABEL_HINT if label == -1 else ""
        return None if low <= label <= high else f"{label} is out of range (allowed: {low:g} to {high:g}){hint}"

    def placeholder(self, spec: TaskSpec, row: Row) -> float:
        return spec.label_range[0] if spec.label_range else 0.0

    def value_name(self, spec: TaskSpec, value: Any) -> str:
        """The number without its decimals."""
        return f"{value:.0f}"

    def output_size(self, spec: TaskSpec) -> int:
        return 1

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Squared error of outputs (S, B, 1) and labels (S, B), summed."""
        return (outputs.squeeze(-1) - labels).square().sum(dim=1)

    def decode(self, spec: TaskSpec, split: EncodedSplit, kept_E: NDArray[Any]) -> tuple[float, ...]:
        """The outputs (E, 1) themselves."""
        return tuple(kept_E[:, 0].astype(np.float64).tolist())


REGRESSION = Regression()
