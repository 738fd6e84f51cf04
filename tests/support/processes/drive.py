"""A driver process that runs the long small sweep and says what happens.

    python -m support.processes.drive STORAGE RUNNER[-steered] [SOURCE ...]

A line `trained` is printed for each unit that this process computed, whether or not its result was kept.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from panda_ray.backbones import Backbone
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener, Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.run_plan import run_plan
from panda_ray.execution.steering import FIXED_PLAN
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.unit import Unit
from panda_ray.execution.work import embeddings, members, publishing
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.training.engine.epoch_report import EpochReport
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import Member, MemberResult
from support.sweeps.small_sweeps import LONG, planned, small_sweep
from support.sweeps.steerings import Steps, nothing_of


class Printer(Listener):
    def on_stack_started(self, stack: Stack) -> None:
        print("started", stack.title, flush=True)

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        print("epoch", stack.members[0].method, report.epoch, flush=True)

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        print("outcome", outcome.status, outcome.key, flush=True)

    def on_held(self, stack: Stack, keys: Collection[str]) -> None:
        print("held", stack.title, len(keys), flush=True)


def _train_and_say(
    backbone: Backbone, task: EncodedTask, stack: Sequence[Member], *rest: Any, **named: Any
) -> list[MemberResult]:
    results = train_stack(backbone, task, stack, *rest, **named)
    for member in stack:
        print("trained", member.name, flush=True)
    return results


def _publish_and_say(store: Store, unit: Unit, record: Mapping[str, Any], files: Mapping[str, bytes]) -> Outcome:
    print("trained", unit.key, flush=True)
    return publishing.publish(store, unit, record, files)


def main() -> int:
    storage, runner, *sources = sys.argv[1:]
    members.train_stack = _train_and_say  # type: ignore[assignment]
    embeddings.publish = _publish_and_say  # type: ignore[attr-defined]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it
    plan, store = planned(small_sweep(storage, training=LONG, **({"sources": sources} if sources else {})))
    print("planned", os.getpid(), len(plan.stacks), flush=True)
    steering = FIXED_PLAN
    if runner.endswith("-steered"):
        stopped = next(key for key, unit in plan.units.items() if unit.method == "pot")
        steering, plan = Steps(plan, together=True, stops={stopped: 3}), nothing_of(plan)
    costs, chosen = Costs.in_store(plan, store), RayTuneRunner() if runner.startswith("ray") else InlineRunner()
    summary = run_plan(plan, costs, store, chosen, [Printer()], steering)
    print("summary", len(summary.new), summary.interrupted, flush=True)
    return 0 if summary.complete else 1


if __name__ == "__main__":
    sys.exit(main())
