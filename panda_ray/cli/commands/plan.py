"""`panda-ray plan`: what a sweep wants, what of it exists, and what running it would take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from panda_ray.cli.commands.simulate import Simulate, print_simulation
from panda_ray.cli.console import print_json, print_note, stdout
from panda_ray.cli.drawing.settings_table import describe_settings, settings_as_json, settings_table
from panda_ray.cli.options import Json, Overrides, SweepFile
from panda_ray.cli.wording.choice_words import choices_as_json, describe_choices
from panda_ray.cli.wording.search_words import describe_choice, describe_search
from panda_ray.cli.wording.words import (
    ahead_as_json,
    describe_ahead,
    describe_change,
    describe_kinds,
    describe_memory,
    describe_outdated,
    describe_taken,
    describe_unjudged,
    duration,
    hours,
    memory_as_json,
)

if TYPE_CHECKING:
    from panda_ray.execution.costs.ahead import Ahead
    from panda_ray.execution.store.memory_limits import Limit
    from panda_ray.search.anticipated import Anticipated
    from panda_ray.usecases.plan import Outlook

_COUNTS = ("total", "done", "to_run", "blocked")


def plan(sweep_file: SweepFile, overrides: Overrides, as_json: Json = False, simulate: Simulate = None) -> None:
    """Show what exists, what would run, how long it would take and what it would cost; change nothing."""
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.elsewhere import results_elsewhere
    from panda_ray.usecases.here import lacking_here
    from panda_ray.usecases.plan import plan_sweep

    sweep = load_sweep(sweep_file, overrides)
    print_note(results_elsewhere(sweep, sweep_file))
    if simulate is not None:
        print_simulation(sweep, simulate, as_json)
        return
    outlook = plan_sweep(sweep)
    if as_json:
        print_json(_as_json(outlook))
    else:
        _print(outlook)
    if outlook.plan.stacks:
        print_note(lacking_here(sweep.resources))


def _as_json(outlook: Outlook) -> dict[str, Any]:
    """`units`: done ones have a result; to_run ones will be computed by the next run; blocked ones too, but only if the
    unit that failed before them now succeeds. `estimate` and what each stage takes add up all stacks that are left,
    blocked units included, as if they ran one by one; `by_kind` likewise, if all ran on that kind of worker. `memory`:
    of the largest stack of each backbone and stage. `hyperparameters`: one entry per backbone, method and task, and per
    sources that the tuned file names; `unused_choices`: entries of that file for what the sweep has not."""
    plan, ahead = outlook.plan, outlook.ahead
    by_stage = outlook.counts
    return {
        "sweep": plan.sweep.name,
        "storage": outlook.storage,
        "cells": len(plan.cells),
        "units": _sum(by_stage),
        "by_stage": {name: {**counts, **_taken(ahead, name)} for name, counts in by_stage.items()},
        "stacks": len(plan.stacks),
        "estimate": ahead_as_json(ahead) if plan.stacks else None,
        "by_kind": {kind: ahead_as_json(each) for kind, each in outlook.by_kind} if plan.stacks else {},
        "memory": memory_as_json(outlook.memory),
        "taken": len(outlook.taken),
        "narrowed": [_describe_limit(limit) for limit in outlook.narrowed],
        "skipped": [{"task": task, "reason": reason} for task, reason in plan.skipped],
        "outdated": len(plan.outdated),
        "hyperparameters": settings_as_json(outlook.settings),
        "unused_choices": outlook.unused_choices,
        "unjudged": [describe_unjudged(each) for each in outlook.unjudged],
        "changed": [describe_change(change, count) for change, count in outlook.changed.items()],
        "search": None if outlook.search is None else _search_as_json(outlook, outlook.search),
        "choices": None if outlook.choices is None else choices_as_json(outlook.choices, outlook.seconds_of_all),
    }


def _search_as_json(outlook: Outlook, search: Anticipated) -> dict[str, Any]:
    return {
        "studies": search.studies,
        "points": search.points,
        "least_seconds": outlook.least_seconds,
        "chooses": describe_choice(search.plan.sweep),
    }


def _sum(by_stage: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    return {count: sum(stage[count] for stage in by_stage.values()) for count in _COUNTS}


def _taken(ahead: Ahead, stage: str) -> dict[str, float]:
    """What one stage takes, rounded."""
    seconds = ahead.by_stage.get(stage, 0.0)
    return {"seconds": round(seconds, 1), "hours": round(ahead.hours(seconds), 4)}


def _describe_limit(limit: Limit) -> str:
    """One line for people."""
    known = "" if limit.confirmed else " (not tried yet)"
    return (
        f"{limit.footprint.backbone} -> {limit.footprint.task} x{limit.width} at the most{known}, because "
        f"x{limit.failed} did not fit into the memory of {limit.device}"
    )


def _print(outlook: Outlook) -> None:
    plan = outlook.plan
    done = sum(cell.key in plan.done for cell in plan.cells)
    cells = f": {done} of {len(plan.cells)} cells done" if outlook.search is None else ""
    stdout.print(f"[bold]{plan.sweep.name}[/] in {outlook.storage}{cells}")
    if outlook.search is not None:
        for line in describe_search(outlook.search, outlook.least_seconds or 0.0, outlook.ahead.seconds):
            stdout.print(line, markup=False, soft_wrap=True)
    if outlook.choices is not None:
        for line in describe_choices(outlook.choices, outlook.ahead.seconds, outlook.seconds_of_all):
            stdout.print(line, markup=False, soft_wrap=True)
    stdout.print(_table(outlook))
    if (settings := settings_table(outlook.settings)) is not None:
        stdout.print(settings)
    has_tuned = plan.sweep.hyperparameters is not None
    for line in describe_settings(outlook.settings, outlook.unused_choices, has_tuned):
        stdout.print(line, markup=False, soft_wrap=True)
    for line in describe_ahead(outlook.ahead, len(plan.stacks)) if plan.stacks else ["nothing to run"]:
        stdout.print(line, markup=False, soft_wrap=True)
    for line in describe_kinds(outlook.by_kind) if plan.stacks else []:
        stdout.print(line, markup=False, soft_wrap=True)
    for line in describe_memory(outlook.memory):
        stdout.print(line, markup=False, soft_wrap=True)
    if outlook.taken:
        stdout.print(describe_taken(outlook), markup=False, soft_wrap=True)
    for title, lines in (
        ("narrower stacks", [_describe_limit(limit) for limit in outlook.narrowed]),
        ("metric", [describe_unjudged(each) for each in outlook.unjudged]),
        ("left out", [reason for _, reason in plan.skipped]),
        ("computed anew", [describe_outdated(len(plan.outdated))] if plan.outdated else []),
        ("computed anew", [describe_change(change, count) for change, count in outlook.changed.items()]),
    ):
        for line in lines:
            stdout.print(f"{title}: {line}", style="yellow", markup=False, soft_wrap=True)


def _table(outlook: Outlook) -> Table:
    """Units by stage, and what those that are left take."""
    ahead, by_stage = outlook.ahead, outlook.counts
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("units", "total", "done", "to run", "blocked", "time", f"{ahead.processor}-hours"):
        table.add_column(column, justify="left" if column == "units" else "right")
    for name, counts in by_stage.items():
        table.add_row(name, *_cells(counts, ahead, ahead.by_stage.get(name, 0.0)))
    table.add_row("all", *_cells(_sum(by_stage), ahead, ahead.seconds))
    return table


def _cells(counts: Mapping[str, int], ahead: Ahead, seconds: float) -> list[str]:
    taken = [duration(seconds), hours(ahead.hours(seconds))] if seconds else ["", ""]
    return [*(str(counts[count]) for count in _COUNTS), *taken]
