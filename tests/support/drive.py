"""A driver process: `python -m support.drive STORAGE RUNNER` runs the long small sweep and says what happens."""

from __future__ import annotations

import os
import signal
import sys

from panda_ray.execution.costs import Costs
from panda_ray.execution.events import Listener, Outcome
from panda_ray.execution.inline import InlineRunner
from panda_ray.execution.ray_tune import RayTuneRunner
from panda_ray.execution.run import run_plan
from panda_ray.execution.stack import Stack
from panda_ray.training.stacked import EpochReport
from support.small_sweeps import LONG, planned, small_sweep


class Printer(Listener):
    def on_stack_started(self, stack: Stack) -> None:
        print("started", stack.title, flush=True)

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        print("epoch", stack.members[0].method, report.epoch, flush=True)

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        print("outcome", outcome.status, outcome.key, flush=True)


def main() -> int:
    storage, runner = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it
    plan, store = planned(small_sweep(storage, training=LONG))
    print("planned", os.getpid(), len(plan.stacks), flush=True)
    summary = run_plan(
        plan, Costs.in_store(plan, store), store, RayTuneRunner() if runner == "ray" else InlineRunner(), [Printer()]
    )
    print("summary", len(summary.new), summary.interrupted, flush=True)
    return 0 if summary.complete else 1


if __name__ == "__main__":
    sys.exit(main())
