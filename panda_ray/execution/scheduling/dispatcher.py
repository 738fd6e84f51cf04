"""A run in progress: what runners ask for the next stack and tell how stacks fare; it tells the listeners."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from panda_ray.execution.events import Listener, Outcome, RunSummary
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.allocations import Seconds
from panda_ray.execution.scheduling.allotment import Shaper
from panda_ray.execution.scheduling.elsewhere import Elsewhere
from panda_ray.execution.scheduling.schedule import Schedule
from panda_ray.execution.signals import raise_if_ended
from panda_ray.training.stacked import EpochReport


class Dispatch:
    """One plan on its way to its results.

    Args:
        seconds: that a stack takes; they matter to a runner that lets stacks be foreseen.
        elsewhere: what other drivers are at work on; nothing unless given.
    """

    def __init__(self, plan: Plan, seconds: Seconds, listener: Listener, elsewhere: Elsewhere | None = None) -> None:
        self._plan = plan
        self._seconds = seconds
        self._listener = listener
        self._elsewhere = elsewhere or Elsewhere(lambda _: ())
        self._schedule = Schedule(plan.stacks, plan.depends_on, plan.done)
        self._new: set[str] = set()
        self._failed: dict[str, str] = {}
        self._blocked: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles what it is given, nobody restores it, and listeners hold terminals and threads."""
        return {}

    @property
    def plan(self) -> Plan:
        return self._plan

    @property
    def exhausted(self) -> bool:
        """No stack is left to start, now or later; some may still run."""
        return self._schedule.exhausted and not self._elsewhere.stacks

    def foresee(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Schedule by the time that stacks take; before the first one is asked for."""
        plan = self._plan
        shaper = Shaper(plan.stacks, plan.depends_on, self._seconds, plan.sweep.resources.max_workers, clock)
        self._schedule = Schedule(plan.stacks, plan.depends_on, plan.done, shaper)

    def next(self, slots: int | None = None, ahead: bool = True) -> Stack | None:
        """A stack to start, or None while all that are left should wait; see `Schedule.next`.

        Raises:
            KeyboardInterrupt: a signal has arrived, and whatever ran then swallowed it.
        """
        raise_if_ended()
        for stack in self._elsewhere.returned():
            self._schedule.put_back(stack)
        return self._schedule.next(slots, ahead)

    def started(self, stack: Stack) -> None:
        self._listener.on_stack_started(stack)

    def epoch(self, stack: Stack, report: EpochReport) -> None:
        self._listener.on_epoch(stack, report)

    def finished(self, stack: Stack, outcomes: Sequence[Outcome]) -> None:
        """Take the outcomes of a stack: what waited for them becomes ready, or is blocked."""
        if held := {outcome.key for outcome in outcomes if outcome.status == "held"}:
            self._elsewhere.add(stack, held)
            self._listener.on_held(stack, held)
        for outcome in outcomes:
            if outcome.status == "held":
                continue
            if outcome.status == "done":
                self._new.add(outcome.key)
            else:
                self._failed[outcome.key] = outcome.error or ""
            self._listener.on_outcome(stack, outcome)
        for key, failed in self._schedule.finish(stack, outcomes).items():
            self._blocked[key] = failed
            reason = f"needs {self._plan.units[failed].title}, which failed"
            self._listener.on_outcome(None, Outcome(key, "blocked", reason))

    def summary(self, interrupted: str | None = None) -> RunSummary:
        """How the run stands."""
        new = frozenset(self._new)
        return RunSummary(self._plan.done | new, new, dict(self._failed), dict(self._blocked), interrupted)
