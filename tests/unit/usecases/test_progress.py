"""The ETA of a run, on the plan of a small real sweep; nothing is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.store.store import Store
from panda_ray.tracking.snapshot import Snapshot
from panda_ray.training.engine.epoch_report import EpochReport
from panda_ray.usecases.progress import Progress
from panda_ray.usecases.watching.announcer import Announcer
from support.sweeps.small_sweeps import four_pairs


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return build_plan(four_pairs(tmp_path), Store(str(tmp_path)))


def test_eta_follows_the_work_that_is_left(plan: Plan) -> None:
    now = [100.0]
    costs = Costs.of(plan, ())
    progress = Progress(plan, costs, clock=lambda: now[0])
    assert progress.eta is None
    total = sum(costs.seconds(stack).seconds for stack in plan.stacks)
    stack = next(stack for stack in plan.stacks if stack.members[0].product == "prompt")
    work = costs.seconds(stack).seconds
    progress.start(stack)
    now[0] += 5.0
    progress.epoch(
        stack,
        EpochReport(1, 2, losses={}, scores={}, selecting={}, examples_per_second=640.0, seconds=1.0),
    )
    assert progress.examples_per_second == 640.0
    assert progress.eta == pytest.approx(5.0 * (total - work / 2) / (work / 2))
    now[0] += 5.0
    lasts = [progress.outcome(stack, Outcome(unit.key, "done")) for unit in stack.members]
    assert lasts == [False] * (len(lasts) - 1) + [True]
    assert progress.eta == pytest.approx(10.0 * (total - work) / work)
    assert progress.units_per_second == pytest.approx(len(stack.members) / 10)
    assert progress.examples_per_second == 0


def test_an_outcome_that_comes_twice_counts_once(plan: Plan) -> None:
    progress = Progress(plan, Costs.of(plan, ()), clock=iter(range(100)).__next__)
    stack = plan.stacks[0]
    progress.start(stack)
    for _ in range(2):
        progress.outcome(stack, Outcome(stack.members[0].key, "done"))
    assert progress.count("done") == 1
    assert progress.units_per_second <= 1


def test_where_a_stack_runs_is_known_from_its_first_epoch_and_reaches_who_sees_mlflow_alone(plan: Plan) -> None:
    announcer = Announcer()
    announcer.follow(plan, Costs.of(plan, ()))
    stack = plan.stacks[0]
    announcer.on_stack_started(stack)
    seen = []
    for hosts in ((), ("panda1", "panda2")):
        if hosts:
            announcer.on_epoch(stack, EpochReport(1, 2, {}, {}, {}, 640.0, 1.0, hosts))
        snapshot = announcer.snapshot()
        assert snapshot is not None
        backbone = stack.members[0].backbone.name
        [running] = Snapshot.from_json(snapshot.to_json(backbone), backbone).stacks
        seen.append(running.hosts)
    assert seen == [(), ("panda1", "panda2")]


def test_what_the_cloud_refuses_is_said_at_once_in_place_of_a_guess_and_until_it_does_no_more(plan: Plan) -> None:
    now = [0.0]
    progress = Progress(plan, Costs.of(plan, ()), clock=lambda: now[0])
    assert progress.warnings == ()
    progress.refused(["the cloud starts no worker of type gpu: no quota; ask for it"])
    assert progress.warnings == ("the cloud starts no worker of type gpu: no quota; ask for it",)
    now[0] += 700.0
    assert len(progress.warnings) == 1
    progress.refused([])
    assert "nothing has run for 12 minutes although units wait" in progress.warnings[0]
    announcer = Announcer()
    announcer.follow(plan, Costs.of(plan, ()))
    announcer.on_refused(["no quota"])
    snapshot = announcer.snapshot()
    assert snapshot is not None
    assert Snapshot.from_json(snapshot.to_json("builtin-tiny"), "builtin-tiny").warnings == ("no quota",)


def test_a_stack_that_lost_its_workers_waits_until_it_starts_again_and_is_counted(plan: Plan) -> None:
    progress = Progress(plan, Costs.of(plan, ()), clock=iter(range(100)).__next__)
    stack = next(stack for stack in plan.stacks if len(stack.todo) > 1)
    progress.start(stack)
    progress.outcome(stack, Outcome(stack.members[0].key, "done"))
    progress.lost(stack)
    assert (progress.count("running"), progress.count("done")) == (0, 1)
    assert not progress.running
    progress.start(stack)
    assert [*progress.running] == [stack.id]
    assert progress.lost_workers == 1
