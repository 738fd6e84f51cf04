"""A stack on several workers, whatever the schedule would say.

    python -m support.processes.spreading STORAGE EPOCHS

runs the few units of `few` on the cluster of this machine, PanDa's on two workers, and says what happens.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener, Outcome
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.steering import FIXED_PLAN, Steering
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


class Printer(Listener):
    """One line per event of the spread stack."""

    def on_stack_started(self, stack: Stack) -> None:
        print("started", stack.title, flush=True)

    def on_lost(self, stack: Stack, reason: str) -> None:
        print("lost", reason, flush=True)

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        print("epoch", stack.members[0].method, report.epoch, flush=True)

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        print("outcome", outcome.status, outcome.error, flush=True)


def main() -> int:
    storage, epochs = sys.argv[1:]
    plan, store = planned(few(storage, int(epochs)))
    dispatch = Spread(plan, "panda", Printer())
    RayTuneRunner("auto").run(dispatch, store, Settings.of(plan.sweep))
    return 0 if dispatch.summary().complete else 1


if __name__ == "__main__":
    sys.exit(main())
