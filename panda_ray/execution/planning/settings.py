"""The hyper-parameters of a plan's trainings, and where each value comes from: for people, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.units.configs import Level
from panda_ray.execution.units.recipes import MethodRecipe
from panda_ray.methods import get_method
from panda_ray.sweep import MethodSection

_ALWAYS = ("lr", "batch_size", "epochs", "schedule")
_UNSAID: Collection[Level] = ("default", "task")


class Value(NamedTuple):
    """A hyper-parameter, and where it comes from."""

    value: Any
    level: Level


@dataclass(frozen=True)
class Setting:
    """What trainings of one backbone, method and task have in common.

    Attributes:
        method: label of the method; source prompts are those of `prompt_tuning`.
        sources: donor tasks that a tuned file names for it; None for all others.
        is_tuned: the tuned file has something for it.
        values: learning rate, batch size, epochs and schedule, and whatever else somebody gave; options of the method
            are `options.NAME`.
    """

    backbone: str
    method: str
    sources: tuple[str, ...] | None
    task: str
    is_tuned: bool
    values: Mapping[str, Value]


def settings_of(plan: Plan) -> list[Setting]:
    """One for every backbone, method and task, and for every sources that a tuned file names; by task.

    Target-like teachers are left out: nobody chooses anything for them.
    """
    recipes = {section.title: MethodRecipe(section, plan.sweep, plan.extents) for section in plan.sweep.methods}
    found = []
    for (label, backbone, task), donors in _trainings(plan).items():
        if label not in recipes:
            recipes[label] = MethodRecipe(MethodSection(method=label), plan.sweep, plan.extents)
        own = dict.fromkeys(recipes[label].at(backbone, sources, task) for sources in donors)
        found += [_setting(recipe, backbone, task) for recipe in own]
    order = {task: place for place, task in enumerate(plan.extents)}
    return sorted(found, key=lambda setting: order[setting.task])


def unused_choices(plan: Plan, settings: Collection[Setting]) -> int:
    """Cells of the tuned file that the plan has not."""
    if plan.sweep.hyperparameters is None:
        return 0
    return len(plan.sweep.hyperparameters.chosen) - sum(setting.is_tuned for setting in settings)


def _trainings(plan: Plan) -> dict[tuple[str, str, str], dict[tuple[str, ...], None]]:
    """Donors by label, backbone and task."""
    found: dict[tuple[str, str, str], dict[tuple[str, ...], None]] = {}
    for cell in plan.cells:
        found.setdefault((cell.method, cell.backbone, cell.target), {})[cell.sources] = None
    for key, role in plan.role_of.items():
        unit = plan.units[key]
        if role in ("source", "teacher") and get_method(unit.method).listed:
            found.setdefault((unit.method, unit.backbone.name, unit.task), {})[unit.sources] = None
    return found


def _setting(recipe: MethodRecipe, backbone: str, task: str) -> Setting:
    chosen = recipe.chosen
    return Setting(
        backbone=backbone,
        method=recipe.label,
        sources=None if chosen is None or chosen.sources is None else tuple(chosen.sources),
        task=task,
        is_tuned=chosen is not None,
        values=dict(_values(recipe, task)),
    )


def _values(recipe: MethodRecipe, task: str) -> Iterator[tuple[str, Value]]:
    for name, level in recipe.levels[task].items():
        if name in _ALWAYS or level not in _UNSAID:
            yield name, Value(getattr(recipe.configs[task], name), level)
    for name, level in recipe.option_levels.items():
        yield f"options.{name}", Value(recipe.options[name], level)
