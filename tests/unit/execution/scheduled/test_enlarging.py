"""Trainings that are stopped to go on with more workers: when, on how many, and never when it does not pay."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.scheduling.schedule import Schedule
from panda_ray.execution.scheduling.shapes.enlarging import CLEAR, LEAST_RUN
from panda_ray.execution.scheduling.shapes.running_stacks import RESTART_SECONDS
from panda_ray.execution.scheduling.simulation import Simulation, simulate
from panda_ray.training.engine.epoch_report import EpochReport
from support.sweeps.small_sweeps import planned, small_sweep
from unit.execution.scheduled.test_simulation import check, random_plan

HOUR = 3600.0
AT_ONCE = LEAST_RUN * RESTART_SECONDS
"""When a stack that started at 0 may be started again."""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def hours(stack: Stack, workers: int) -> float:
    """Two for each member on one worker, and nothing is lost on several."""
    return 2 * HOUR * len(stack.members) / workers


def sources(storage: Path, tasks: list[str], seeds: list[int], most: int = 4) -> Plan:
    """Prompt tuning alone: a stack per task."""
    changes = {"sources": tasks, "targets": tasks, "methods": ["prompt_tuning"], "metrics": [], "seeds": seeds}
    plan, _ = planned(small_sweep(storage, **changes, resources={"max_workers": most}))
    assert len(plan.stacks) == len(tasks)
    return plan


def begun(plan: Plan, clock: Clock) -> tuple[Dispatch, Stack]:
    """A stack that started on the one slot that there was."""
    dispatch = Dispatch(plan, hours)
    dispatch.foresee(clock)
    stack = dispatch.next(slots=1)
    assert stack is not None
    assert stack.workers == 1
    dispatch.started(stack)
    return dispatch, stack


def report(epoch: int, epochs: int, seconds: float) -> EpochReport:
    return EpochReport(epoch, epochs, {}, {}, {}, 1.0, seconds)


def done(stack: Stack) -> list[Outcome]:
    return [Outcome(unit.key, "done") for unit in stack.todo]


@pytest.mark.parametrize("seeds", [[1], [1, 2, 3]])
@pytest.mark.parametrize(("slots", "workers"), [(2, 2), (4, 4), (9, 4)])
def test_a_stack_that_runs_alone_goes_on_with_all_workers_that_it_may_have(
    tmp_path: Path, seeds: list[int], slots: int, workers: int
) -> None:
    clock = Clock()
    dispatch, stack = begun(sources(tmp_path, ["review"], seeds), clock)
    clock.now = AT_ONCE
    larger = dispatch.enlarge(slots, slots - 1)
    assert larger is not None
    assert (larger.id, larger.workers) == (stack.id, workers)
    assert dispatch.next(slots) is None, "it has not stopped yet"
    dispatch.halted(stack)
    assert dispatch.next(slots) == larger
    assert not dispatch.exhausted
    dispatch.started(larger)
    clock.now = AT_ONCE * 100
    assert dispatch.enlarge(workers, 0) is None
    dispatch.finished(larger, done(larger))
    assert dispatch.exhausted
    assert dispatch.summary().new == dispatch.plan.units.keys()
    assert dispatch.summary().preemptions == 0


def test_slots_that_others_use_or_that_do_not_exist_are_not_taken(tmp_path: Path) -> None:
    clock = Clock()
    dispatch, _ = begun(sources(tmp_path, ["review"], [1]), clock)
    clock.now = AT_ONCE
    assert dispatch.enlarge(slots=1, free=3) is None
    assert dispatch.enlarge(slots=4, free=0) is None
    larger = dispatch.enlarge(slots=4, free=1)
    assert larger is not None
    assert larger.workers == 2


def test_nothing_is_enlarged_while_anything_is_ready_that_could_start(tmp_path: Path) -> None:
    clock = Clock()
    dispatch, _ = begun(sources(tmp_path, ["review", "kinds"], [1]), clock)
    clock.now = AT_ONCE
    assert dispatch.enlarge(slots=4, free=3) is None
    other = dispatch.next(slots=2)
    assert other is not None
    assert dispatch.enlarge(slots=4, free=2) is None, "the run does not end before what has just begun"
    dispatch.finished(other, done(other))
    assert dispatch.enlarge(slots=4, free=2) is not None


def test_nothing_is_enlarged_while_anything_waits_for_something_else(tmp_path: Path) -> None:
    """PoT waits for a prompt of either source, in a stack of each; one of them ends, and then its PoT."""
    plan, _ = planned(small_sweep(tmp_path, methods=["pot"], metrics=[], resources={"max_workers": 4, "max_stack": 1}))
    clock = Clock()

    def seconds(stack: Stack, workers: int) -> float:
        return (9 if stack.members[0].task == "kinds" else 5) * HOUR / workers

    dispatch = Dispatch(plan, seconds)
    dispatch.foresee(clock)
    first, second = dispatch.next(slots=2), dispatch.next(slots=2)
    assert first is not None
    assert second is not None
    assert first.members[0].task == "kinds", "the longest path begins with it"
    clock.now = AT_ONCE
    assert dispatch.enlarge(slots=4, free=2) is None, "PoT waits for the other one"
    dispatch.finished(second, done(second))
    assert dispatch.enlarge(slots=4, free=3) is None, "it is ready"
    third = dispatch.next(slots=2)
    assert third is not None
    larger = dispatch.enlarge(slots=4, free=2)
    assert larger is not None
    assert (larger.id, larger.workers) == (first.id, 3)


def test_a_stack_runs_for_a_while_before_it_is_stopped_again(tmp_path: Path) -> None:
    clock = Clock()
    dispatch, stack = begun(sources(tmp_path, ["review"], [1]), clock)
    clock.now = AT_ONCE - 1
    assert dispatch.enlarge(slots=2, free=1) is None
    clock.now = AT_ONCE
    larger = dispatch.enlarge(slots=2, free=1)
    assert larger is not None
    dispatch.halted(stack)
    assert dispatch.next(slots=2) == larger
    clock.now = 2 * AT_ONCE - 1
    assert dispatch.enlarge(slots=4, free=2) is None
    clock.now = 2 * AT_ONCE
    assert dispatch.enlarge(slots=4, free=2) is not None


def test_what_would_not_save_several_times_the_cost_goes_on_as_it_is(tmp_path: Path) -> None:
    """On two workers the second half of what is left is saved."""
    for missing, is_worth_it in ((1.0, False), (0.0, True)):
        clock = Clock()
        dispatch, _ = begun(sources(tmp_path, ["review"], [1]), clock)
        clock.now = 2 * HOUR - 2 * CLEAR * RESTART_SECONDS + missing
        assert (dispatch.enlarge(slots=2, free=1) is not None) == is_worth_it


def test_what_is_left_is_known_by_the_epochs_of_a_stack(tmp_path: Path) -> None:
    """It went on from a checkpoint and is nearly done; or it is overdue, and has most before it."""
    for first, now, is_worth_it in ((97, 2 * AT_ONCE, False), (2, 3 * HOUR, True)):
        clock = Clock()
        dispatch, stack = begun(sources(tmp_path, ["review"], [1]), clock)
        for epoch, part in ((first, 0.9), (first + 1, 1.0)):
            clock.now = now * part
            dispatch.epoch(stack, report(epoch, 100, clock.now))
        assert (dispatch.enlarge(slots=2, free=1) is not None) == is_worth_it


def test_what_a_restart_costs_is_measured_by_the_first_one(tmp_path: Path) -> None:
    clock = Clock()
    dispatch, stack = begun(sources(tmp_path, ["review"], [1]), clock)
    clock.now = asked = AT_ONCE
    larger = dispatch.enlarge(slots=2, free=1)
    assert larger is not None
    clock.now += 3
    dispatch.epoch(stack, report(1, 100, 300.0))  # it has not heard yet
    dispatch.halted(stack)
    assert dispatch.next(slots=2) == larger
    clock.now += 197
    dispatch.epoch(larger, report(2, 100, 50.0))
    # It trained for 50 of the 200 seconds since it was asked.
    clock.now = asked + LEAST_RUN * 150 - 1
    assert dispatch.enlarge(slots=4, free=2) is None
    clock.now += 1
    assert dispatch.enlarge(slots=4, free=2) is not None


def test_a_stack_that_lost_its_worker_before_it_stopped_starts_anew_like_any_other(tmp_path: Path) -> None:
    clock = Clock()
    dispatch, stack = begun(sources(tmp_path, ["review"], [1]), clock)
    clock.now = AT_ONCE
    assert dispatch.enlarge(slots=4, free=3) is not None
    dispatch.put_back(stack)
    again = dispatch.next(slots=2)
    assert again is not None
    assert again.workers == 2, "there are not four any more"
    dispatch.halted(again)
    assert dispatch.next(slots=2) == again


def test_runs_with_restarts_end_no_later_and_workers_only_ever_become_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random graphs with trainings of minutes to days, on up to four workers of five slots."""
    restarts = [
        restarts_of(random.Random(order), slots, tmp_path, monkeypatch) for order in range(60) for slots in (2, 3, 5)
    ]
    assert sum(count > 0 for count in restarts) > 20, "hardly any had one"


def restarts_of(chance: random.Random, slots: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many a random run has, which is compared with the same run without."""
    plan = random_plan(folder, chance)
    resources = plan.sweep.resources.model_copy(update={"max_workers": 4})
    plan = replace(plan, sweep=plan.sweep.model_copy(update={"resources": resources}))
    weights: dict[str, int] = {task: chance.choice([30, 300, 3000, 30_000]) for task in "abcd"}
    start, spread = chance.choice([0, 20]), chance.choice([0.5, 0.9, 1.0])

    def seconds(stack: Stack, workers: int) -> float:
        return start + weights[stack.members[0].task] * (3 + len(stack.members)) / float(workers**spread)

    run = simulate(plan, slots, seconds)
    check(plan, run, seconds)
    for counts in workers_of(run).values():
        assert all(fewer < more for fewer, more in pairwise(counts))
    with monkeypatch.context() as fixed:
        fixed.setattr(Schedule, "enlarge", lambda *_: None)
        alone = simulate(plan, slots, seconds)
    restarts = sum(one.restarts for one in run.ran)
    assert restarts == sum(len(counts) - 1 for counts in workers_of(run).values())
    assert run.makespan <= alone.makespan + restarts * RESTART_SECONDS
    return restarts


def workers_of(run: Simulation) -> dict[str, list[int]]:
    """On how many workers each stack ran, one number after the other."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for one in run.ran:
        found[one.stack.id].append(one.stack.workers)
    return found


def test_what_became_ready_beside_another_stack_gets_its_slot_when_that_ends(tmp_path: Path) -> None:
    """PoT starts after 360 s beside a prompt of the target, for which more workers are of no use."""
    changes = {"sources": ["review"], "methods": ["prompt_tuning", "pot"], "metrics": []}
    plan, _ = planned(small_sweep(tmp_path, **changes, resources={"max_workers": 2}))

    def seconds(stack: Stack, workers: int) -> float:
        first = stack.members[0]
        if first.method == "pot":
            return 1.9 * HOUR if workers == 1 else 1.2 * HOUR
        return HOUR if first.task == "remark" else 0.1 * HOUR

    run = simulate(plan, 2, seconds)
    check(plan, run, seconds)
    assert sorted(workers_of(run).values()) == [[1], [1], [1, 2]]
    left = (1.9 * HOUR - 0.9 * HOUR) * 1.2 / 1.9
    assert run.makespan == pytest.approx(HOUR + RESTART_SECONDS + left)
