"""Stacks that are cut when they start, on a real local Ray: every member gets its result."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.run_plan import run_plan
from support.sweeps.small_sweeps import contents, planned, small_sweep

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


class Started(Listener):
    """Notes the stacks that ran."""

    def __init__(self) -> None:
        self.widths: list[int] = []

    def on_stack_started(self, stack: Stack) -> None:
        if stack.members[0].config is not None:
            self.widths.append(len(stack.members))


def test_members_of_a_stack_that_was_cut_all_get_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainings are as short as ever; the schedule is told that they take hours, which no test can afford."""

    def hours(self: Costs, stack: Stack, workers: int) -> float:
        return 3600.0 * (0.1 + len(stack.members)) if stack.members[0].config is not None else 1.0

    monkeypatch.setattr(Costs, "expected", hours)
    plan, store = planned(small_sweep(tmp_path, resources={"cpus_per_stack": 0.5, "checkpoint_seconds": 0.05}))
    started = Started()
    summary = run_plan(plan, Costs.in_store(plan, store), store, RayTuneRunner(), [started])
    assert summary.complete
    # Which of them are cut depends on which are believed to run for hours at that moment.
    packed = [len(stack.members) for stack in plan.stacks if stack.members[0].config is not None]
    assert len(started.widths) > len(packed), "on four slots, two hours for two members are too long"
    assert sum(started.widths) == sum(packed)
    assert contents(tmp_path).keys() == plan.units.keys()
    again, _ = planned(plan.sweep)
    assert not again.stacks
    assert not list(tmp_path.glob("checkpoints/*"))
