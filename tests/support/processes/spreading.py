"""A stack on several workers, whatever the schedule would say.

    python -m support.processes.spreading STORAGE EPOCHS spread|grow

runs the few units of `few` on the cluster of this machine, PanDa's on two workers, and says what happens. Before
PanDa's last epoch the driver does nothing else for a while, as one that waits for a server: the group ends meanwhile.
One that is to grow begins on the one worker that there is, and does not go on after epoch `EARLY` until a node joins.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ray

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener, Outcome
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_group.reports import FIELD, Reporting
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.scheduling.shapes import running_stacks
from panda_ray.execution.steering import FIXED_PLAN, Steering
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.workspace import Settings
from panda_ray.sweep import Sweep
from panda_ray.training.engine.epoch_report import EpochReport
from support.sweeps.small_sweeps import LONG, planned, small_sweep

TRAINING = LONG | {"batch_size": 16, "dropout": 0.0}
"""Without dropout, because its draws differ between workers, which share a batch."""

FEW: dict[str, Any] = {
    "sources": ["review"],
    "methods": ["prompt_tuning", "panda"],
    "tasks": {task: {"max_train_rows": 48, "max_dev_rows": 24} for task in ("review", "remark")},
}
"""One stack with a teacher, and what it needs."""


def few(storage: Path | str, epochs: int) -> Sweep:
    """Units of which one may be spread."""
    return small_sweep(storage, **FEW, metrics=[], training=TRAINING | {"epochs": epochs})


BUSY_SECONDS = 20.0

EARLY = 5
"""An epoch after which there is much left."""

HOUR = 3600.0


class Spread(Dispatch):
    """Gives two workers to the stacks of one method."""

    def __init__(self, plan: Plan, method: str, listener: Listener, steering: Steering = FIXED_PLAN) -> None:
        super().__init__(plan, Costs.of(plan, ()).expected, listener, steering)
        self._method = method

    def next(self, *arguments: Any, **named: Any) -> Stack | None:
        stack = super().next(*arguments, **named)
        if stack is None or stack.members[0].method != self._method:
            return stack
        self._running[stack.id] = replace(stack, workers=2)
        return self._running[stack.id]


class Patient(Dispatch):
    """Lets PanDa's members wait for the driver's word until it was decided that they go on with more workers.

    Which is not before their first epoch, after which there is a checkpoint to go on from.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.asked: list[Stack] = []
        self.may_go_on = threading.Event()
        self._has_begun = False

    def epoch(self, stack: Stack, report: EpochReport) -> Collection[str]:
        self._has_begun |= stack.members[0].method == "panda"
        return super().epoch(stack, report)

    def enlarge(self, slots: int, free: int) -> Stack | None:
        if not self._has_begun:
            return None
        larger = super().enlarge(slots, free)
        if larger is not None:
            self.asked.append(larger)
            threading.Timer(3.0, self.may_go_on.set).start()  # its worker looks twice a second
        return larger


class Ended:
    """Stands for the trainer of a group: one that has reported all of its epochs, and ends."""

    def __init__(self, group: str, error: Exception | None = None) -> None:
        self._reporting = Reporting(group)
        self._error = error

    def fit(self) -> Any:
        for epoch in (1, 2, 3):
            self._reporting.after_report(None, [{FIELD: EpochReport(epoch, 3, {}, {}, {}, 1.0, 1.0)}], None)
        if self._error is not None:
            raise self._error
        return SimpleNamespace(return_value="outcomes")


class Printer(Listener):
    """One line per event of the spread stack; `BUSY_SECONDS` for the last but one epoch of two workers."""

    def on_stack_started(self, stack: Stack) -> None:
        print("started", stack.title, flush=True)

    def on_lost(self, stack: Stack, reason: str) -> None:
        print("lost", reason, flush=True)

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        print("epoch", stack.members[0].method, report.epoch, flush=True)
        if stack.workers > 1 and report.epoch == report.epochs - 1:
            time.sleep(BUSY_SECONDS)

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        print("outcome", outcome.status, outcome.error, flush=True)


class WaitsForANode(Printer):
    """Holds PanDa's training, which has not what it waits for, until there are two nodes."""

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        super().on_epoch(stack, report)
        while report.epoch == EARLY and sum(node["Alive"] for node in ray.nodes()) < 2:  # type: ignore[no-untyped-call]
            time.sleep(1)


def _growing(plan: Plan, store: Store) -> Dispatch:
    """The schedule is told of hours, and of a restart that takes nothing."""
    running_stacks.RESTART_SECONDS = 0.1
    return Dispatch(plan, lambda stack, workers: HOUR * len(stack.members) / workers, WaitsForANode(), store=store)


def main() -> int:
    storage, epochs, how = sys.argv[1:]
    sweep = few(storage, int(epochs))
    plan, store = planned(sweep.model_copy(update={"resources": sweep.resources.model_copy(update={"max_workers": 2})}))
    dispatch = _growing(plan, store) if how == "grow" else Spread(plan, "panda", Printer())
    RayTuneRunner("auto").run(dispatch, store, Settings.of(plan.sweep))
    return 0 if dispatch.summary().complete else 1


if __name__ == "__main__":
    sys.exit(main())
