"""Hyper-parameters by task with where they come from: a table that says as little as it can, and JSON that says all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from panda_ray.execution.planning.settings import Setting, Value
    from panda_ray.execution.units.configs import Level

_MEANING: Mapping[Level, str] = {
    "method": "the method's own",
    "tuned": "the tuned file",
    "training": "`training` of the sweep file",
    "tasks": "`tasks` of the sweep file",
    "methods": "`training` of the method in the sweep file",
    "options": "`options` of the method in the sweep file",
}
_OWN = "the tasks' own (Table I for those of the paper)"
_COLUMNS = ("lr", "batch_size", "epochs", "schedule")


def settings_as_json(settings: Iterable[Setting]) -> list[dict[str, Any]]:
    """`sources`: null for all that have no entry of their own; `from`: a level of `execution/units/configs.py`."""
    return [
        {
            "backbone": setting.backbone,
            "method": setting.method,
            "sources": setting.sources and list(setting.sources),
            "task": setting.task,
            "tuned": setting.is_tuned,
            "values": {name: {"value": value, "from": level} for name, (value, level) in setting.values.items()},
        }
        for setting in settings
    ]


def settings_table(settings: Sequence[Setting]) -> Table | None:
    """A row per task, or several where its trainings differ; None where every value is the tasks' own."""
    if not _levels(settings):
        return None
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("task", "trained by", *_COLUMNS, "besides"):
        table.add_column(column)
    several = len({setting.backbone for setting in settings}) > 1
    by_task: dict[str, dict[tuple[Any, ...], list[Setting]]] = {}
    for setting in settings:
        by_task.setdefault(setting.task, {}).setdefault(_sayable(setting), []).append(setting)
    for task, alike in by_task.items():
        for rows in alike.values():
            trained_by = "all" if len(alike) == 1 else "; ".join(_trained_by(rows, several))
            values = rows[0].values
            own = {name: value for name, value in values.items() if name not in _COLUMNS and not _is_same(name, value)}
            besides = [f"{name} {_said(value)}" for name, value in own.items()]
            table.add_row(task, trained_by, *(_said(values[name]) for name in _COLUMNS), ", ".join(besides))
    return table


def describe_settings(settings: Collection[Setting], unused: int, has_tuned: bool) -> list[str]:
    """What the marks of the table mean, what the table leaves out, and what the tuned file has nothing for."""
    levels = _levels(settings)
    marks = "".join(f"; {level}: {_MEANING[level]}" for level in _MEANING if level in levels)
    lines = [f"hyper-parameters: {f'unmarked ones are {_OWN}' if marks else _OWN}{marks}"]
    values = {name: value for setting in settings for name, value in setting.values.items()}
    if same := [f"{name} {_said(value)}" for name, value in values.items() if _is_same(name, value)]:
        lines.append(f"for all of them: {', '.join(same)}")
    return [*lines, *_describe_lacking(settings, unused)] if has_tuned else lines


def _describe_lacking(settings: Collection[Setting], unused: int) -> Iterator[str]:
    tuned = {(setting.method, setting.backbone, setting.task) for setting in settings if setting.is_tuned}
    lacking: dict[str, list[str]] = {}
    for setting in settings:
        if not setting.is_tuned:
            others = (setting.method, setting.backbone, setting.task) in tuned
            said = f"{setting.task} (from other sources)" if others else setting.task
            lacking.setdefault(f"{setting.method} on {setting.backbone}", []).append(said)
    for trained_by, tasks in lacking.items():
        yield f"the tuned file has nothing for {trained_by}: {', '.join(tasks)}"
    if unused:
        yield f"the tuned file has {unused} {'cell' if unused == 1 else 'cells'} that this sweep has not"


def _is_same(name: str, value: Value) -> bool:
    """`training` goes before what a cell has of its own, so that every training has this value."""
    return value.level == "training" and name not in _COLUMNS


def _levels(settings: Iterable[Setting]) -> set[Level]:
    return {value.level for setting in settings for value in setting.values.values() if value.level in _MEANING}


def _sayable(setting: Setting) -> tuple[Any, ...]:
    return tuple(sorted((name, str(value), level) for name, (value, level) in setting.values.items()))


def _trained_by(rows: Iterable[Setting], several: bool) -> Iterator[str]:
    """`pot, panda`, with backbones where there are several and sources where they matter."""
    methods: dict[str, list[str]] = {}
    for row in rows:
        where = f" on {row.backbone}" if several else ""
        donors = f" from {'+'.join(row.sources)}" if row.sources else ""
        methods.setdefault(f"{donors}{where}", []).append(row.method)
    for where, names in methods.items():
        yield f"{', '.join(names)}{where}"


def _said(value: Value) -> str:
    mark = f" ({value.level})" if value.level in _MEANING else ""
    number = f"{value.value:g}" if isinstance(value.value, float) else str(value.value)
    return f"{number}{mark}"
