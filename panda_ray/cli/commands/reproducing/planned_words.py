"""What artefacts would take, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from panda_ray.cli.console import stderr, stdout
from panda_ray.cli.wording.words import ahead_as_json, hours

if TYPE_CHECKING:
    from panda_ray.execution.costs.ahead import Ahead
    from panda_ray.usecases.reproducing.planned_artefacts import PlannedArtefact

_COUNTS = ("units", "shared", "done", "to_run")


def print_planned(planned: Sequence[PlannedArtefact]) -> None:
    """One line per artefact, their sum, and what cannot be shown or planned."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("artefact", "units", "shared", "done", "to run", "hours", "price"):
        table.add_column(column, justify="left" if column == "artefact" else "right")
    for one in planned:
        counts = [str(getattr(one, count)) for count in _COUNTS] if one.units else [""] * len(_COUNTS)
        table.add_row(one.artefact.id, *counts, *_taken([one.ahead] if one.ahead else []))
    if len(planned) > 1:
        total = {count: sum(getattr(one, count) for one in planned) for count in _COUNTS}
        total["units"], total["shared"] = total["units"] - total["shared"], 0
        table.add_row("all", *map(str, total.values()), *_taken([one.ahead for one in planned if one.ahead]))
    stdout.print(table)
    stdout.print("shared: with artefacts above, where they are counted; hours and price are of what is left to run")
    if any(one.ahead and one.ahead.price is None for one in planned):
        stdout.print("no price is known; give one: --set 'prices={currency: USD, gpu_hour: 3.5}'")
    for note in _notes(planned):
        stderr.print(note, style="yellow", markup=False, soft_wrap=True)


def _taken(left: Sequence[Ahead]) -> list[str]:
    """Hours and price; no price where one of them has none."""
    if not left:
        return ["", ""]
    amount = sum(ahead.hours(ahead.seconds) for ahead in left)
    prices = [ahead.price for ahead in left if ahead.price is not None]
    price = f"{sum(prices):,.2f} {left[0].currency}" if len(prices) == len(left) else ""
    return [f"{hours(amount)} {left[0].processor}", price]


def _notes(planned: Sequence[PlannedArtefact]) -> list[str]:
    """Each once, after the artefacts that it is about."""
    found: dict[str, list[str]] = {}
    for one in planned:
        known = "by published sizes, for it cannot be run yet" if one.units else "cannot be planned"
        notes = [f"{known}: {one.trouble}"] if one.trouble else []
        notes += [f"nothing gives the cells of {label}" for label in one.missing]
        notes += [f"left out: {reason}" for _, reason in one.skipped]
        for note in notes:
            found.setdefault(note, []).append(one.artefact.id)
    return [f"{', '.join(ids)}: {note}" for note, ids in found.items()]


def planned_as_json(planned: Sequence[PlannedArtefact]) -> dict[str, Any]:
    """By artefact; `to_run` of all is the sum, because what is shared is counted once."""
    return {
        one.artefact.id: {
            **{count: getattr(one, count) for count in _COUNTS},
            "ahead": None if one.ahead is None else ahead_as_json(one.ahead),
            "missing": dict(one.missing),
            "skipped": [{"task": task, "reason": reason} for task, reason in one.skipped],
            "trouble": one.trouble,
        }
        for one in planned
    }
