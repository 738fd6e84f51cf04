"""`panda-ray plan`: what a sweep wants, what of it exists, and what running it would take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from panda_ray.cli.changes import describe, describe_outdated, invalidated
from panda_ray.cli.console import print_json, stdout
from panda_ray.cli.estimate import Ahead, duration, hours, summary, work_ahead
from panda_ray.cli.options import Json, Overrides, SweepFile
from panda_ray.cli.simulate import Simulate, print_simulation
from panda_ray.cli.states import stages, states_of

if TYPE_CHECKING:
    from panda_ray.execution.planning.plan import Plan
    from panda_ray.execution.store.memory_limits import Limit
    from panda_ray.execution.store.store import Store

_COUNTS = ("total", "done", "to_run", "blocked")


def plan(sweep_file: SweepFile, overrides: Overrides, as_json: Json = False, simulate: Simulate = None) -> None:
    """Show what exists, what would run, how long it would take and what it would cost; change nothing."""
    from panda_ray.execution.costs.costs import Costs
    from panda_ray.execution.planning.plan import build_plan
    from panda_ray.execution.store.store import Store
    from panda_ray.sweep_file import load_sweep

    sweep = load_sweep(sweep_file, overrides)
    if simulate is not None:
        print_simulation(sweep, simulate, as_json)
        return
    store = Store(sweep.storage)
    planned = build_plan(sweep, store)
    records = [record for _, record in store.records()] if planned.stacks else []
    ahead = work_ahead(planned, Costs.of(planned, records))
    description = describe_plan(planned, store, records, ahead)
    if as_json:
        print_json(description)
    else:
        _print(planned, description, ahead)


def describe_plan(planned: Plan, store: Store, records: Sequence[Mapping[str, Any]], ahead: Ahead) -> dict[str, Any]:
    """The plan as JSON data.

    `units`: done ones have a result; to_run ones will be computed by the next run; blocked ones too, but only if the
    unit that failed before them now succeeds. `estimate` and what each kind takes add up all stacks that are left,
    blocked units included, as if they ran one by one.
    """
    states = states_of(planned, running=(), failed=store.failures.among(set(planned.units)))
    by_kind = {}
    for name, counts in stages(planned, states).items():
        total, done, blocked = sum(counts.values()), counts["done"], counts["blocked"]
        by_kind[name] = {"total": total, "done": done, "to_run": total - done - blocked, "blocked": blocked}
    units = {count: sum(kind[count] for kind in by_kind.values()) for count in _COUNTS}
    return {
        "sweep": planned.sweep.name,
        "storage": store.url,
        "cells": len(planned.cells),
        "units": units,
        "by_kind": {name: {**counts, **ahead.stage_as_json(name)} for name, counts in by_kind.items()},
        "stacks": len(planned.stacks),
        "estimate": ahead.as_json() if planned.stacks else None,
        "narrowed": [_describe_limit(limit) for limit in _narrowing(planned)],
        "skipped": [{"task": task, "reason": reason} for task, reason in planned.skipped],
        "outdated": len(planned.outdated),
        "changed": [describe(change, count) for change, count in invalidated(planned, records).items()],
    }


def _narrowing(planned: Plan) -> list[Limit]:
    """What keeps stacks that are left narrower than the sweep file does."""
    from panda_ray.execution.planning.footprints import footprint_of
    from panda_ray.execution.planning.packing import widest

    if not planned.limits:
        return []
    found: dict[Limit, None] = {}
    for stack in planned.stacks:
        footprint = footprint_of(stack)
        limit = planned.limits.get(footprint) if footprint is not None else None
        wanted = widest(stack.members[0], planned.sweep.resources.max_stack, {})
        if limit is not None and wanted is not None and limit.width < wanted:
            found[limit] = None
    return list(found)


def _describe_limit(limit: Limit) -> str:
    """One line for people."""
    known = "" if limit.confirmed else " (not tried yet)"
    return (
        f"{limit.footprint.backbone} -> {limit.footprint.task} x{limit.width} at the most{known}, because "
        f"x{limit.failed} did not fit into the memory of {limit.device}"
    )


def _print(planned: Plan, description: dict[str, Any], ahead: Ahead) -> None:
    done = sum(cell.key in planned.done for cell in planned.cells)
    stdout.print(
        f"[bold]{description['sweep']}[/] in {description['storage']}: {done} of {len(planned.cells)} cells done"
    )
    stdout.print(_table(description, ahead))
    for line in summary(ahead, description["stacks"]) if planned.stacks else ["nothing to run"]:
        stdout.print(line, markup=False, soft_wrap=True)
    for title, lines in (
        ("narrower stacks", description["narrowed"]),
        ("left out", [skipped["reason"] for skipped in description["skipped"]]),
        ("computed anew", [describe_outdated(len(planned.outdated))] if planned.outdated else []),
        ("computed anew", description["changed"]),
    ):
        for line in lines:
            stdout.print(f"{title}: {line}", style="yellow", markup=False, soft_wrap=True)


def _table(description: dict[str, Any], ahead: Ahead) -> Table:
    """Units by stage, and what those that are left take."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("units", "total", "done", "to run", "blocked", "time", f"{ahead.kind}-hours"):
        table.add_column(column, justify="left" if column == "units" else "right")
    for name, counts in description["by_kind"].items():
        table.add_row(name, *_cells(counts, ahead, ahead.by_stage.get(name, 0.0)))
    table.add_row("all", *_cells(description["units"], ahead, ahead.seconds))
    return table


def _cells(counts: Mapping[str, int], ahead: Ahead, seconds: float) -> list[str]:
    taken = [duration(seconds), hours(ahead.hours(seconds))] if seconds else ["", ""]
    return [*(str(counts[count]) for count in _COUNTS), *taken]
