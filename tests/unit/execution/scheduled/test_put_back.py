"""A stack that runs no more without having ended: it waits for a slot again, as what it was."""

from __future__ import annotations

from pathlib import Path

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.dispatcher import Dispatch
from support.sweeps.small_sweeps import planned, small_sweep


def hours(stack: Stack, workers: int) -> float:
    """So long that a stack is worth all slots that there are."""
    return 3600.0 * (1 + len(stack.members)) / workers


def one_stack(storage: Path, seeds: list[int]) -> Plan:
    changes = {"sources": ["review"], "targets": ["review"], "methods": ["prompt_tuning"], "metrics": []}
    plan, _ = planned(small_sweep(storage, **changes, seeds=seeds, resources={"max_workers": 2}))
    assert len(plan.stacks) == 1
    return plan


def begun(plan: Plan) -> Dispatch:
    dispatch = Dispatch(plan, hours)
    dispatch.foresee(lambda: 0.0)
    return dispatch


def test_a_stack_that_is_put_back_frees_its_slots_is_no_end_and_may_start_and_end_again(tmp_path: Path) -> None:
    dispatch = begun(one_stack(tmp_path, [1]))
    first = dispatch.next(slots=2)
    assert first is not None
    assert first.workers == 2
    dispatch.put_back(first)
    assert not dispatch.exhausted
    again = dispatch.next(slots=2)
    assert again is not None, "its slots are free"
    assert (again, again.workers) == (first, 2)
    dispatch.finished(again, [Outcome(unit.key, "done") for unit in again.todo])
    assert dispatch.exhausted
    assert dispatch.summary().new == dispatch.plan.units.keys()


def test_a_stack_that_is_put_back_keeps_its_members_however_many_slots_there_are(tmp_path: Path) -> None:
    dispatch = begun(one_stack(tmp_path, [1, 2, 3, 4]))
    first = dispatch.next(slots=1)
    assert first is not None
    assert len(first.members) == 4
    dispatch.put_back(first)
    again = dispatch.next(slots=4)
    assert again == first
    fresh = begun(dispatch.plan).next(slots=4)
    assert fresh is not None
    assert len(fresh.members) < 4, "it would have been cut, had it not begun"
