"""The hyper-parameters of a training: what its method starts from, then the sweep's, then the sweep's for the task.

A method starts from the task's own row of Table I, unless it says otherwise.
"""

from __future__ import annotations

from typing import Any

from panda_ray.sweep import Sweep, TaskSection, TrainingSection
from panda_ray.tasks.task import Hyperparameters, TaskSpec
from panda_ray.training.config import TrainConfig

_SCALES = {"normal": 0.02, "uniform": 0.035, "sparse": 0.01}
"""Scale of an initialisation unless the sweep gives one. Normal: what P-Tuning v2 ran, whose transformers 4.11.3 drew
its prefix embedding anew. Uniform: the half width that has the same standard deviation. Sparse: the default of
`torch.nn.init.sparse_`."""

_PER_TASK = ("lr", "batch_size", "epochs", "schedule")


def resolve_config(sweep: Sweep, task: TaskSpec, published: Hyperparameters) -> TrainConfig:
    """Hyper-parameters of an ordinary training on a task; a method may still shorten it.

    Args:
        published: where the sweep file says nothing.
    """
    values: dict[str, Any] = {
        "lr": published.lr,
        "batch_size": published.batch_size,
        "epochs": published.epochs,
        "schedule": task.kind.schedule,
    }
    own = sweep.tasks.get(task.name, TaskSection())
    general = sweep.training.model_dump()
    values |= {name: value for name, value in general.items() if value is not None}
    values |= _initialization(sweep.training)
    values |= {name: value for name in _PER_TASK if (value := getattr(own, name)) is not None}
    return TrainConfig(**values, protocol=sweep.protocol)


def _initialization(training: TrainingSection) -> dict[str, Any]:
    """Initialiser and scale; N(0, 1) is one thing by whichever of its two names."""
    if training.initialization == "standard_normal":
        return {"initialization": "normal", "initialization_scale": 1.0}
    scale = training.initialization_scale or _SCALES.get(training.initialization, 1.0)
    return {"initialization": training.initialization, "initialization_scale": scale}
