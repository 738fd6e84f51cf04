"""A run in progress: what runners ask for the next stack and tell how stacks fare; it tells listeners and steering."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from panda_ray.execution.costs.kinds import Kind
from panda_ray.execution.events import Listener, Outcome, RunSummary
from panda_ray.execution.planning.growth import Proposal, grown
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.elsewhere import Elsewhere
from panda_ray.execution.scheduling.fleet import Fleet, Slots
from panda_ray.execution.scheduling.schedule import Schedule
from panda_ray.execution.scheduling.shapes.allocations import Seconds
from panda_ray.execution.scheduling.shapes.allotment import Shaper
from panda_ray.execution.signals import raise_if_ended
from panda_ray.execution.steering import FIXED_PLAN, Steering
from panda_ray.execution.store.store import Store

if TYPE_CHECKING:
    from panda_ray.training.engine.epoch_report import EpochReport

_SILENT = Listener()


class Dispatch:
    """One plan on its way to its results.

    Args:
        seconds: that a stack takes; they matter to a runner that lets stacks be foreseen.
        listener: hears what happens; nobody unless given.
        steering: makes the plan grow and stops members; nothing unless given.
        store: where others work, too, and where proposed units may have results; none in a simulation.
        kinds: of worker; none where all are alike.
    """

    def __init__(
        self,
        plan: Plan,
        seconds: Seconds,
        listener: Listener = _SILENT,
        steering: Steering = FIXED_PLAN,
        store: Store | None = None,
        kinds: Sequence[Kind] = (),
    ) -> None:
        self._plan = plan
        self._kinds = kinds
        self._seconds = seconds
        self._listener = listener
        self._steering = steering
        self._store = store
        self._elsewhere = Elsewhere(store.leases.taken if store is not None else lambda _: ())
        self._schedule = Schedule(plan.stacks, plan.depends_on, plan.done)
        self._running: dict[str, Stack] = {}
        self._ended: dict[str, Outcome] = {}
        self._blocked: dict[str, str] = {}
        self._stopping: set[str] = set()
        self._preemptions = 0

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles what it is given, nobody restores it, and listeners hold terminals and threads."""
        return {}

    @property
    def plan(self) -> Plan:
        """As far as it has grown."""
        return self._plan

    @property
    def exhausted(self) -> bool:
        """No stack runs or is left to start, now or later."""
        is_left = self._running or not self._schedule.exhausted or self._elsewhere.stacks
        return not is_left and self._steering.exhausted

    def foresee(self, clock: Callable[[], float] = time.monotonic, there: Collection[str] | None = None) -> None:
        """Schedule by the time that stacks take; before the first one is asked for.

        Args:
            there: kinds of worker that there can be; None where those of all may still come.
        """
        plan = self._plan
        kinds = [kind for kind in self._kinds if there is None or kind.name in there]
        fleet = Fleet(kinds, clock, grows=there is None) if kinds else None
        shaper = Shaper(self._seconds, plan.sweep.resources.max_workers, clock)
        self._schedule = Schedule(plan.stacks, plan.depends_on, plan.done, shaper, fleet)

    def next(self, slots: int | None = None) -> Stack | None:
        """A stack to start, or None while all that are left should wait; see `Schedule.next`.

        Raises:
            KeyboardInterrupt: a signal has arrived, and whatever ran then swallowed it.
        """
        return self._next(lambda: self._schedule.next(slots), slots or 1)

    def next_on(self, slots: Slots) -> Stack | None:
        """Likewise on several kinds of worker; see `Schedule.next_on`."""
        return self._next(lambda: self._schedule.next_on(slots), sum(slots.values()))

    def _next(self, following: Callable[[], Stack | None], slots: int) -> Stack | None:
        raise_if_ended()
        for returned in self._elsewhere.returned():
            self._schedule.put_back(returned)
        stack = following()
        while stack is None and self._grow(self._idle(slots)):
            stack = following()
        if stack is not None:
            self._running[stack.id] = stack
        return stack

    def wanted_on(self, slots: Slots) -> dict[str, int]:
        """How many slots of each kind more than there are could be used; see `Fleet.wanted`."""
        return self._schedule.wanted_on(slots)

    def wanted(self, slots: int) -> int:
        """How many slots more than there are could be used; see `Schedule.wanted`."""
        return self._schedule.wanted(slots)

    def enlarge(self, slots: int, free: int) -> Stack | None:
        """A running stack to be stopped, as `next` gives it once `halted` is told; see `Schedule.enlarge`."""
        larger = self._schedule.enlarge(slots, free)
        if larger is not None:
            self._running[larger.id] = larger
        return larger

    def halted(self, stack: Stack) -> None:
        """Take note that a stack has stopped which `enlarge` gave."""
        given = self._running.get(stack.id)
        if given is not None and given.workers > stack.workers:
            self._schedule.restart(given)
        else:
            self.put_back(stack)

    def started(self, stack: Stack) -> None:
        """Take note of a stack that starts, perhaps again, and perhaps on fewer workers than it was given."""
        given = self._running.get(stack.id)
        if given is not None and stack.workers < given.workers:
            self._running[stack.id] = stack
            self._schedule.shrink(stack)
        self._listener.on_stack_started(stack)

    def lost(self, stack: Stack, reason: str, preempted: bool) -> None:
        """A stack lost workers and starts again; `started` says with how many.

        Args:
            preempted: their nodes are going away or gone, which is nobody's fault.
        """
        self._preemptions += preempted
        self._listener.on_lost(stack, reason)

    def refused(self, sentences: Sequence[str]) -> None:
        """Take note of types of workers that the cloud does not start, all of them in a sentence each."""
        self._listener.on_refused(sentences)

    def put_back(self, stack: Stack) -> None:
        """Let a stack that runs no more wait again, as what it was."""
        self._running.pop(stack.id, None)
        self._schedule.finish(stack, ())
        self._schedule.put_back(replace(stack, continued=True))

    def may_stop(self, stack: Stack) -> bool:
        """Whether the stack must hear what `epoch` says."""
        return any(self._steering.may_stop(unit.key) for unit in stack.todo)

    def epoch(self, stack: Stack, report: EpochReport) -> Collection[str]:
        """Take the report of an epoch; returns the keys of the members that stop there."""
        self._listener.on_epoch(stack, report)
        self._schedule.heard(stack, report.epoch, report.epochs, report.seconds)
        if self.may_stop(stack):
            self._stopping.update(key for key in self._steering.stops(report) if self._steering.may_stop(key))
        return self._stopping.intersection(report.scores)

    def finished(self, stack: Stack, outcomes: Sequence[Outcome]) -> None:
        """Take the outcomes of a stack: what waited for them becomes ready, or is blocked."""
        self._running.pop(stack.id, None)
        if held := {outcome.key for outcome in outcomes if outcome.status == "held"}:
            self._elsewhere.add(stack, held)
            self._listener.on_held(stack, held)
        again = [outcome.key for outcome in outcomes if self._is_of_another_run(outcome)]
        ended = [outcome for outcome in outcomes if outcome.key not in held and outcome.key not in again]
        for outcome in ended:
            self._end(stack, outcome)
        self._block(self._schedule.finish(stack, ended))
        if again:
            self._listener.on_held(stack, again)
            self._schedule.put_back(Stack(tuple(self._plan.units[key] for key in again)))
        while self._grow(idle=0):
            pass

    def summary(self, interrupted: str | None = None) -> RunSummary:
        """How the run stands."""
        ended = self._ended.values()
        new = frozenset(outcome.key for outcome in ended if outcome.status == "done")
        return RunSummary(
            plan=self._plan,
            done=self._plan.done | new,
            new=new,
            failed={outcome.key: outcome.error or "" for outcome in ended if outcome.status == "failed"},
            blocked=dict(self._blocked),
            stopped=frozenset(outcome.key for outcome in ended if outcome.status == "stopped"),
            preemptions=self._preemptions,
            interrupted=interrupted,
        )

    def _idle(self, slots: int) -> int:
        """Slots that nothing runs on; a runner that does not count them runs one stack at a time."""
        return max(0, slots - sum(stack.workers for stack in self._running.values()))

    def _grow(self, idle: int) -> bool:
        """Add what the steering proposes; False where that is nothing."""
        proposal = self._steering.propose(idle)
        if proposal is None:
            return False
        before, self._plan = self._plan, grown(self._plan, proposal, self._store)
        new = [key for key in proposal.units if key not in before.units]
        self._listener.on_grown(self._plan)
        blocked = self._schedule.add(
            self._plan.stacks[len(before.stacks) :],
            {key: self._plan.units[key].depends_on for key in new},
            self._plan.done.intersection(new),
        )
        self._repeat(proposal)
        self._block(blocked)
        return True

    def _repeat(self, proposal: Proposal) -> None:
        """Tell the steering how those of the units that it proposes have ended that ended before."""
        for key in proposal.units:
            if key in self._ended:
                self._steering.hear(self._ended[key])
            elif key in self._plan.done:
                self._steering.hear(Outcome(key, "done"))

    def _is_of_another_run(self, outcome: Outcome) -> bool:
        """A checkpoint says that the unit was stopped, which nobody wants here."""
        return outcome.status == "stopped" and not self._steering.may_stop(outcome.key)

    def _block(self, blocked: Mapping[str, str]) -> None:
        for key, needed in blocked.items():
            self._blocked[key] = needed
            how = "was stopped early" if self._ended[needed].status == "stopped" else "failed"
            self._end(None, Outcome(key, "blocked", f"needs {self._plan.units[needed].title}, which {how}"))

    def _end(self, stack: Stack | None, outcome: Outcome) -> None:
        self._ended[outcome.key] = outcome
        self._listener.on_outcome(stack, outcome)
        self._steering.hear(outcome)
