"""The command line with a log of what happens when: `python -m benchmarks.orchestration.observed LOG run FILE ...`.

Each line of the log is a JSON list: seconds since the epoch, what happened, and the id of a stack or null.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from panda_ray.cli import main as command_line
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener, Outcome, RunSummary
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners import run_plan
from panda_ray.execution.steering import FIXED_PLAN, Steering
from panda_ray.execution.store.store import Store


class EventLog(Listener):
    """Writes events as they come; a reader may follow while the process runs."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", buffering=1)

    def note(self, event: str, stack: Stack | None = None) -> None:
        print(json.dumps([time.time(), event, stack and stack.id]), file=self._file)

    def on_plan(self, plan: Plan) -> None:
        self.note("planned")

    def on_stack_started(self, stack: Stack) -> None:
        self.note("stack", stack)

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        self.note(outcome.status, stack)

    def on_finished(self, summary: RunSummary) -> None:
        self.note("trained")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `panda-ray` with one more listener."""
    log, *rest = sys.argv[1:] if arguments is None else arguments
    events = EventLog(Path(log))
    run_whole = run_plan.run_plan

    def observed(
        plan: Plan,
        costs: Costs,
        store: Store,
        runner: run_plan.Runner,
        listeners: Sequence[Listener] = (),
        steering: Steering = FIXED_PLAN,
    ) -> RunSummary:
        summary = run_whole(plan, costs, store, runner, [events, *listeners], steering)
        events.note("logged")
        return summary

    run_plan.run_plan = observed
    sys.argv = ["panda-ray", *rest]
    command_line()


if __name__ == "__main__":
    main()
