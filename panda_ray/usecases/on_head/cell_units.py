"""One cell of a sweep as the store knows it: the units behind it, how each stands, and why one failed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from panda_ray.errors import InputError, shown
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.states import State, stage_of, stored_states
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.cells import Cell
from panda_ray.sweep import sources_text
from panda_ray.usecases.on_head.drive import submitted_sweep
from panda_ray.usecases.on_head.home import find_home
from panda_ray.usecases.searching.searches import known_plan

_NEAR = 3


def cell_name(cell: Cell) -> str:
    """`SOURCE->TARGET@BACKBONE`, `A+B->TARGET@BACKBONE`, or `->TARGET@BACKBONE` without transfer."""
    return f"{sources_text(cell.sources)}->{cell.target}@{cell.backbone}"


def look_at_cell(sweep: str, name: str) -> dict[str, Any]:
    """JSON data of what is known of a cell.

    Args:
        sweep: name of one that was submitted.
        name: of a cell; several methods and seeds may have one of that name.

    Returns:
        `cells`: method, seed and the keys of its units, what it is made from first; `units`: by key.

    Raises:
        InputError: there is no such sweep or cell.
    """
    settled = find_home().settle(submitted_sweep(sweep))
    store = Store(settled.storage)
    plan, _ = known_plan(settled, store)
    cells = [cell for cell in plan.cells if cell_name(cell) == name]
    if not cells:
        raise _unknown(sweep, name, plan)
    behind = {cell: _behind(plan, cell.key) for cell in cells}
    units = {key for keys in behind.values() for key in keys}
    return {
        "cells": [{"method": cell.method, "seed": cell.seed, "units": behind[cell]} for cell in cells],
        "units": _units(plan, store, units),
    }


def _unknown(sweep: str, name: str, plan: Plan) -> InputError:
    names = [*dict.fromkeys(map(cell_name, plan.cells))]
    near = difflib.get_close_matches(name, names, _NEAR) or names[:_NEAR]
    return InputError(
        f"sweep {sweep!r} has no cell {shown(name)}; did you mean {' or '.join(map(repr, near))}? "
        "A cell is SOURCE->TARGET@BACKBONE, without SOURCE where nothing is transferred"
    )


def _behind(plan: Plan, key: str) -> list[str]:
    """A unit and all that it is made from, in the order of the plan."""
    found, left = {key}, [key]
    while left:
        new = set(plan.depends_on[left.pop()]) - found
        found |= new
        left += new
    return [each for each in plan.units if each in found]


def _units(plan: Plan, store: Store, keys: set[str]) -> dict[str, dict[str, Any]]:
    states = stored_states(plan, store)
    records = store.records_of(key for key in keys if states[key] == "done")
    failures = store.failures.among({key for key in keys if states[key] == "failed"})
    found: dict[str, dict[str, Any]] = {}
    for key in keys:
        found[key] = {"title": plan.units[key].title, "stage": stage_of(plan, key), "state": states[key]}
        if (record := records.get(key)) is not None:
            found[key] |= {name: record.get(name) for name in ("hosts", "seconds", "finished_at", "score")}
        if (failure := failures.get(key)) is not None:
            found[key] |= {
                "error": failure.error,
                "traceback": failure.traceback,
                "hosts": [failure.host] if failure.host else [],
                "finished_at": failure.at,
            }
        if states[key] == "blocked":
            found[key]["waits_for"] = [*_failed_before(plan, states, key)]
    return found


def _failed_before(plan: Plan, states: Mapping[str, State], key: str) -> Iterator[str]:
    """Titles of what failed among the units that a unit is made from."""
    return (plan.units[each].title for each in _behind(plan, key) if states[each] == "failed")
