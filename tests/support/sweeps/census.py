"""What the driver of many small stacks still holds of those that are finished."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path
from typing import Any, TypeVar

from ray.air.execution._internal.tracked_actor import TrackedActor
from ray.tune.experiment import Trial

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener, Outcome, RunSummary
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.run_plan import run_plan
from panda_ray.training.engine.epoch_report import EpochReport
from support.processes.driving import workers_of
from support.sweeps.small_sweeps import planned, small_sweep

STACKS = 24
LATE = 20
SLOTS = 2

Kind = TypeVar("Kind")


def held(kind: type[Kind]) -> list[Kind]:
    """Every object of a type that something still refers to."""
    gc.collect()
    return [found for found in gc.get_objects() if type(found) is kind]


class Census(Listener):
    """Looks, while the last stacks run, for what there is in the driver of those that are finished."""

    def __init__(self) -> None:
        self._finished: set[str] = set()
        self._known: set[int] = set()
        self.unfinished_trials = 0
        self.finished_trials = 0
        self.finished_stacks = 0
        self.actors = 0

    def on_plan(self, plan: Plan) -> None:
        self._known = {id(stack) for stack in plan.stacks}

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        if len(self._finished) == LATE:
            trials = held(Trial)
            self.finished_trials = sum(trial.is_finished() for trial in trials)
            self.unfinished_trials = len(trials) - self.finished_trials
            self.finished_stacks = sum(self._is_of_the_past(one) for one in held(Stack))
            self.actors = len(held(TrackedActor))
        self._finished.add(outcome.key)

    def _is_of_the_past(self, stack: Any) -> bool:
        return id(stack) not in self._known and self._finished.issuperset(unit.key for unit in stack.members)


class Murderer(Census):
    """Also kills every worker while the first stack trains."""

    def __init__(self) -> None:
        super().__init__()
        self._is_done = False

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if not self._is_done:
            self._is_done = True
            for worker in workers_of(os.getpid()):
                os.kill(worker, signal.SIGKILL)


def run_observed(storage: Path, census: Census) -> RunSummary:
    sweep = small_sweep(
        storage,
        sources=["remark"],
        methods=["prompt_tuning"],
        metrics=[],
        seeds=list(range(STACKS)),
        training={"epochs": 1, "prompt_len": 1, "max_len": 16, "batch_size": 8},
        resources={"max_stack": 1, "cpus_per_stack": max(1, (os.cpu_count() or 1) // SLOTS)},
    )
    plan, store = planned(sweep)
    assert len(plan.stacks) == STACKS
    return run_plan(plan, Costs.in_store(plan, store), store, RayTuneRunner(), [census])


def check_that_it_forgot(census: Census) -> None:
    assert census.unfinished_trials > 0, "the census sees trials"
    just_ended = SLOTS
    assert census.finished_trials <= just_ended
    assert census.finished_stacks <= 4 * just_ended, "a trial holds copies of its stack"
    assert census.actors <= census.unfinished_trials + SLOTS
