"""`panda-ray plan`: what a sweep wants, what of it exists, and what running it would take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from panda_ray.cli.changes import describe, invalidated
from panda_ray.cli.console import print_json, stdout
from panda_ray.cli.estimate import duration, estimated_seconds
from panda_ray.cli.options import Json, Overrides, SweepFile
from panda_ray.cli.states import stages, states_of

if TYPE_CHECKING:
    from panda_ray.execution.plan import Plan
    from panda_ray.execution.store import Store


def plan(sweep_file: SweepFile, overrides: Overrides, as_json: Json = False) -> None:
    """Show what exists, what would run and how long it would take; change nothing."""
    from panda_ray.execution.plan import build_plan
    from panda_ray.execution.store import Store
    from panda_ray.sweep_file import load_sweep

    sweep = load_sweep(sweep_file, overrides)
    store = Store(sweep.storage)
    planned = build_plan(sweep, store)
    description = describe_plan(planned, store)
    if as_json:
        print_json(description)
    else:
        _print(planned, description)


def describe_plan(planned: Plan, store: Store) -> dict[str, Any]:
    """The plan as JSON data.

    `units`: done ones have a result; to_run ones will be computed by the next run; blocked ones too, but only if the
    unit that failed before them now succeeds. `estimated_seconds` adds up all stacks, as if they ran one by one.
    """
    states = states_of(planned, running=(), failed=store.failures.among(set(planned.units)))
    by_kind = {}
    for name, counts in stages(planned, states).items():
        total, done, blocked = sum(counts.values()), counts["done"], counts["blocked"]
        by_kind[name] = {"total": total, "done": done, "to_run": total - done - blocked, "blocked": blocked}
    units = {count: sum(kind[count] for kind in by_kind.values()) for count in ("total", "done", "to_run", "blocked")}
    records = [record for _, record in store.records()] if planned.stacks else []
    seconds = estimated_seconds(planned, records)
    return {
        "sweep": planned.sweep.name,
        "storage": store.url,
        "cells": len(planned.cells),
        "units": units,
        "by_kind": by_kind,
        "stacks": len(planned.stacks),
        "estimated_seconds": None if seconds is None else round(seconds, 1),
        "skipped": [{"task": task, "reason": reason} for task, reason in planned.skipped],
        "changed": [describe(change, count) for change, count in invalidated(planned, records).items()],
    }


def _print(planned: Plan, description: dict[str, Any]) -> None:
    done = sum(cell.key in planned.done for cell in planned.cells)
    stdout.print(
        f"[bold]{description['sweep']}[/] in {description['storage']}: {done} of {len(planned.cells)} cells done"
    )
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("units", "total", "done", "to run", "blocked"):
        table.add_column(column, justify="left" if column == "units" else "right")
    for name, counts in (*description["by_kind"].items(), ("all", description["units"])):
        table.add_row(name, *(str(counts[count]) for count in ("total", "done", "to_run", "blocked")))
    stdout.print(table)
    stdout.print(_work_ahead(description))
    for skipped in description["skipped"]:
        stdout.print(f"left out: {skipped['reason']}", style="yellow", markup=False, soft_wrap=True)
    for change in description["changed"]:
        stdout.print(f"computed anew: {change}", style="yellow", markup=False, soft_wrap=True)


def _work_ahead(description: dict[str, Any]) -> str:
    if not description["stacks"]:
        return "nothing to run"
    seconds = description["estimated_seconds"]
    if seconds is None:
        return f"{description['stacks']} stacks to run; no speed was measured yet for this sweep's backbones"
    return f"{description['stacks']} stacks to run, about {duration(seconds)} one after the other at the measured speed"
