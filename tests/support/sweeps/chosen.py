"""Runs in which a metric chooses the sources: invented results, published as stacks come up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from panda_ray.execution.events import Outcome, RunSummary
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.execution.units.unit import Unit
from panda_ray.execution.work.similarity import embedding_bytes
from panda_ray.sweep import Sweep
from panda_ray.usecases.searching.searches import known_plan, steering_of
from support.sweeps.records import START, common, publish
from support.sweeps.small_sweeps import small_sweep

SOURCES = ["review", "kinds", "paraphrase", "rating"]
CHOOSES = {"method": "pot", "sources": {"top": 2, "by": "logme"}}

Similar = Mapping[tuple[str, str, int], float]
"""What logme says, by source, target and seed; 0 unless given."""


def choosing_sweep(folder: Path, **changes: Any) -> Sweep:
    """Four sources, two targets, of which one is a source, and PoT on the two that logme ranks highest."""
    small = {"max_train_rows": 48, "max_dev_rows": 24}
    described = {
        "sources": SOURCES,
        "targets": ["remark", "kinds"],
        "methods": ["prompt_tuning", CHOOSES],
        "metrics": [],
        "seeds": [1, 2],
        "tasks": dict.fromkeys([*SOURCES, "remark"], small),
    }
    return small_sweep(folder, **described | changes)


def run_invented(sweep: Sweep, similar: Similar, failing: Collection[str] = ()) -> RunSummary:
    """Run what is missing, with results out of the air.

    Args:
        failing: sources whose embeddings fail.
    """
    store = Store(sweep.storage)
    plan, _ = known_plan(sweep, store)
    with steering_of(plan, read_catalog(sweep), store) as steering:
        dispatch = Dispatch(plan, lambda _stack, _workers: 1.0, steering=steering, store=store)
        while not dispatch.exhausted:
            stack = dispatch.next()
            assert stack is not None, "nothing runs, so something can start"
            ended = []
            for unit in stack.todo:
                fails = unit.product == "embedding" and not set(unit.sources).isdisjoint(failing)
                ended.append(Outcome(unit.key, "failed", "no") if fails else Outcome(unit.key, "done"))
                if not fails:
                    _publish(unit, dispatch.plan, store, similar)
            dispatch.finished(stack, ended)
    return dispatch.summary()


def _publish(unit: Unit, plan: Plan, store: Store, similar: Similar) -> None:
    if unit.method != "logme":
        publish(plan, store, [unit.key])
        return
    value = np.array([similar.get((*unit.sources, unit.task, unit.seed), 0.0)], dtype=np.float32)
    finished = START + timedelta(minutes=1)
    store.publish(unit.key, {**common(unit, finished), "task": unit.task}, {"embedding.npy": embedding_bytes(value)})


def fresh_plan(sweep: Sweep) -> Plan:
    """Without what is chosen."""
    return plan_from(sweep, Store(sweep.storage), read_catalog(sweep))


def chosen_by(plan: Plan, label: str = "pot") -> dict[tuple[str, int], list[str]]:
    """By target and seed, the sources of the cells of a method."""
    found: dict[tuple[str, int], list[str]] = {}
    for cell in plan.cells:
        if cell.method == label:
            found.setdefault((cell.target, cell.seed), []).append(cell.sources[0])
    return found
