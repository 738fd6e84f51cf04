"""The hyper-parameters of a training: the task's own from Table I, then the sweep's, then the sweep's for the task."""

from __future__ import annotations

from typing import Any

from panda_ray.sweep import Sweep, TaskSection
from panda_ray.tasks.task import TaskSpec
from panda_ray.training.config import Schedule, TrainConfig

_EXPONENTIAL_KINDS = ("tagging", "extractive_qa")
"""NER, SRL and question answering decay per epoch, everything else linearly to 0 (Sec. IV-A of the paper)."""

_PER_TASK = ("lr", "batch_size", "epochs", "schedule")


def resolve_config(sweep: Sweep, task: TaskSpec) -> TrainConfig:
    """Hyper-parameters of an ordinary training on a task; a method may still shorten it."""
    schedule: Schedule = "exponential" if task.kind in _EXPONENTIAL_KINDS else "linear"
    published = task.hyperparameters
    values: dict[str, Any] = {
        "lr": published.lr,
        "batch_size": published.batch_size,
        "epochs": published.epochs,
        "schedule": schedule,
    }
    own = sweep.tasks.get(task.name, TaskSection())
    general = sweep.training.model_dump()
    values |= {name: value for name, value in general.items() if value is not None}
    values |= {name: value for name in _PER_TASK if (value := getattr(own, name)) is not None}
    return TrainConfig(**values, protocol=sweep.protocol)
