"""Outputs of a model that makes no mistake, of every kind of task of this package."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.tasks.encoded import EncodedSplit
from panda_ray.tasks.kinds import EXTRACTIVE_QA, MULTIPLE_CHOICE, REGRESSION, TAGGING
from panda_ray.tasks.task import TaskSpec


def perfect_outputs(spec: TaskSpec, split: EncodedSplit) -> NDArray[Any]:
    """What an engine that makes no mistake hands to `decode`."""
    labels: NDArray[Any] = split.labels.numpy()
    if spec.kind is REGRESSION:
        return labels[:, None]
    if spec.kind is TAGGING:
        return np.where(labels < 0, 0, labels)
    classes = split.rows_per_example if spec.kind is MULTIPLE_CHOICE else len(spec.labels)
    size = split.input_ids_RT.shape[1] if spec.kind is EXTRACTIVE_QA else classes
    chosen: NDArray[Any] = np.eye(size, dtype=np.float32)[labels]
    return chosen
