"""The hyper-parameters of a training, level by level: what a later level says goes before what earlier ones say.

A task begins with its own row of Table I; where a method publishes others, those are next. What a tuned file has for
the very cell follows, then what the sweep file says for every task, what it says for this one, and last what it says
for the method.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal, NamedTuple

from panda_ray.sweep import Sweep
from panda_ray.sweep.hyperparameters import SCALED_INITIALIZATIONS, TaskSection, TrainingSection, TunedTraining
from panda_ray.tasks.task import Hyperparameters, TaskSpec
from panda_ray.training.config import TrainConfig

_SCALES = {"normal": 0.02, "uniform": 0.035, "sparse": 0.01}
"""Scale of an initialisation unless the sweep gives one. Normal: what P-Tuning v2 ran, whose transformers 4.11.3 drew
its prefix embedding anew. Uniform: the half width that has the same standard deviation. Sparse: the default of
`torch.nn.init.sparse_`."""

_PER_TASK = ("lr", "batch_size", "epochs", "schedule")

Level = Literal["default", "task", "method", "tuned", "training", "tasks", "methods", "options"]
"""Where a value may come from: the schema's default, the task itself (Table I), the method, the tuned file, and of the
sweep file `training`, `tasks`, and the `training` and the options of a method."""


class Resolved(NamedTuple):
    """The hyper-parameters of a training, and per name where its value comes from."""

    config: TrainConfig
    levels: Mapping[str, Level]


def resolve_config(
    sweep: Sweep,
    task: TaskSpec,
    published: Hyperparameters,
    tuned: TunedTraining | None = None,
    of_entry: TunedTraining | None = None,
) -> Resolved:
    """Hyper-parameters of an ordinary training on a task; a method may still shorten it.

    Args:
        published: the method's own on the task.
        tuned: what a tuned file has for the cell.
        of_entry: what the sweep file has for the method.
    """
    table = asdict(task.hyperparameters)
    of_method = asdict(published)
    own = sweep.tasks.get(task.name, TaskSection())
    said: dict[Level, Mapping[str, Any]] = {
        "default": dict(TrainingSection()),
        "task": {**table, "schedule": task.kind.schedule},
        "method": {name: value for name, value in of_method.items() if value != table[name]},
        "tuned": dict(tuned or TunedTraining()),
        "training": {name: getattr(sweep.training, name) for name in sweep.training.model_fields_set},
        "tasks": {name: getattr(own, name) for name in _PER_TASK},
        "methods": dict(of_entry or TunedTraining()),
    }
    values: dict[str, Any] = {}
    levels: dict[str, Level] = {}
    for level, named in said.items():
        given = {name: value for name, value in named.items() if value is not None}
        values |= given
        levels |= dict.fromkeys(given, level)
    if (giver := levels.get("initialization_scale")) is not None and not _fits(values, said[giver]):
        del values["initialization_scale"]
    if "initialization_scale" not in values:
        levels["initialization_scale"] = levels["initialization"]
    return Resolved(TrainConfig(**values | _initialization(values), protocol=sweep.protocol), levels)


def _fits(values: Mapping[str, Any], giver: Mapping[str, Any]) -> bool:
    """Whether a scale is one of the initialisation that was chosen, not of another one that it was given with."""
    return values["initialization"] in SCALED_INITIALIZATIONS and giver.get("initialization") in (
        None,
        values["initialization"],
    )


def _initialization(values: Mapping[str, Any]) -> dict[str, Any]:
    """Initialiser and scale; N(0, 1) is one thing by whichever of its two names."""
    name = values["initialization"]
    if name == "standard_normal":
        return {"initialization": "normal", "initialization_scale": 1.0}
    scale = values.get("initialization_scale") or _SCALES.get(name, 1.0)
    return {"initialization": name, "initialization_scale": scale}
