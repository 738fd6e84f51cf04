"""A run against a virtual clock: the dispatch of a real run, and stacks that take as long as they are said to take.

A sibling of the runners: it asks for stacks and tells how they ended, with a heap of moments instead of trainings.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from panda_ray.execution.costs.kinds import Kind
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.scheduling.fleet import Slots
from panda_ray.execution.scheduling.shapes.allocations import Seconds
from panda_ray.execution.scheduling.shapes.enlarging import LEAST_RUN
from panda_ray.execution.scheduling.shapes.running_stacks import RESTART_SECONDS
from panda_ray.execution.steering import FIXED_PLAN, Steering


@dataclass(frozen=True)
class Ran:
    """A stack that ran in a simulation, in seconds since its start.

    Attributes:
        restarts: it was stopped at its end, and is there again with more workers.
    """

    stack: Stack
    start: float
    end: float
    restarts: bool = False


@dataclass(frozen=True)
class Simulation:
    """How a plan went on so many slots.

    Attributes:
        ran: in the order of the stacks' starts.
    """

    slots: int
    ran: tuple[Ran, ...]

    @property
    def stacks(self) -> int:
        """How many ran, whatever the shapes of each."""
        return sum(not one.restarts for one in self.ran)

    @property
    def makespan(self) -> float:
        """Seconds from the first start to the last end."""
        return max((one.end for one in self.ran), default=0.0)

    @property
    def work(self) -> float:
        """Slot-seconds in which a slot was busy."""
        return sum((one.end - one.start) * one.stack.workers for one in self.ran)

    @property
    def utilisation(self) -> float:
        """Share of the slots' time in which they were busy; 1 where nothing was to run."""
        return self.work / (self.slots * self.makespan) if self.ran else 1.0


def simulate(plan: Plan, slots: int, seconds: Seconds, steering: Steering = FIXED_PLAN) -> Simulation:
    """Run what is left of a plan, and of what the steering makes of it, on so many slots; every unit succeeds."""
    clock = _Clock()
    dispatch = Dispatch(plan, seconds, steering=steering)
    dispatch.foresee(clock)
    run = _Run(dispatch, lambda stack: seconds(stack, stack.workers), clock)

    def following() -> Stack | None:
        return dispatch.next(slots) if run.busy < slots else None

    return Simulation(slots, run.to_its_end(following, lambda: dispatch.enlarge(slots, slots - run.busy)))


def simulate_fleet(
    plan: Plan, slots: Slots, kinds: Sequence[Kind], seconds: Seconds, steering: Steering = FIXED_PLAN
) -> Simulation:
    """Likewise on so many slots of each kind of worker.

    Args:
        seconds: by which what the longest path waits for comes first.
    """
    clock, by_name = _Clock(), {kind.name: kind for kind in kinds}
    dispatch = Dispatch(plan, seconds, steering=steering, kinds=kinds)
    dispatch.foresee(clock, there=[name for name, count in slots.items() if count])

    def lasts(stack: Stack) -> float:
        assert stack.accelerator is not None, "each stack of a fleet has been placed"
        return by_name[stack.accelerator].expected(stack)

    ran = _Run(dispatch, lasts, clock).to_its_end(lambda: dispatch.next_on(slots), lambda: None)
    return Simulation(sum(slots.values()), ran)


class _Clock:
    """Virtual seconds since the start."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class _Job:
    """A stack that runs.

    Attributes:
        works: when it starts to train, or goes on.
        left: share of its training that is left then.
    """

    number: int
    stack: Stack
    start: float
    works: float
    left: float
    end: float

    def left_at(self, now: float) -> float:
        """Share of its training that is left at a moment."""
        return self.left * min(1.0, (self.end - now) / (self.end - self.works))


class _Run:
    """Stacks that start and end.

    Args:
        lasts: how long a stack takes where it runs, from its start to its end.

    Attributes:
        busy: slots.
    """

    def __init__(self, dispatch: Dispatch, lasts: Callable[[Stack], float], clock: _Clock) -> None:
        self._dispatch, self._lasts, self._clock = dispatch, lasts, clock
        self._running: dict[str, _Job] = {}
        self._moments: list[tuple[float, int]] = []
        """When a stack ends, or may have run for long enough to be started again, and how many had started before."""
        self._left: dict[str, float] = {}
        self._ran: list[Ran] = []
        self.busy = 0

    def to_its_end(self, following: Callable[[], Stack | None], enlarge: Callable[[], Stack | None]) -> tuple[Ran, ...]:
        """Stacks in the order of their starts.

        Args:
            following: the next stack to start.
            enlarge: a running one that should start again, as it should.
        """
        while True:
            while (stack := following()) is not None:
                self._start(stack)
            if (larger := enlarge()) is not None:
                self._stop(self._running[larger.id])
            elif self._moments:
                self._go_on()
            else:
                return tuple(self._ran)

    def _start(self, stack: Stack) -> None:
        now, left = self._clock.now, self._left.pop(stack.id, None)
        works = now if left is None else now + RESTART_SECONDS
        left = 1.0 if left is None else left
        job = _Job(len(self._ran), stack, now, works, left, works + left * self._lasts(stack))
        self._running[stack.id] = job
        self._ran.append(Ran(stack, job.start, job.end))
        self.busy += stack.workers
        heapq.heappush(self._moments, (job.end, job.number))
        again = now + LEAST_RUN * RESTART_SECONDS
        if stack.workers < self._dispatch.plan.sweep.resources.max_workers:
            heapq.heappush(self._moments, (again, job.number))

    def _stop(self, job: _Job) -> None:
        """Stop a stack that is to start again; it is handed out at once."""
        now = self._clock.now
        self._ran[job.number] = Ran(job.stack, job.start, now, restarts=True)
        self._left[job.stack.id] = job.left_at(now)
        self._remove(job)
        self._dispatch.halted(job.stack)

    def _go_on(self) -> None:
        """To the next moment, and the end of the stack that ends there, if one does."""
        now, number = heapq.heappop(self._moments)
        job = self._running.get(self._ran[number].stack.id)
        if job is None or job.number != number:
            return
        self._clock.now = now
        if now == job.end:
            self._remove(job)
            self._dispatch.finished(job.stack, [Outcome(unit.key, "done") for unit in job.stack.todo])

    def _remove(self, job: _Job) -> None:
        del self._running[job.stack.id]
        self.busy -= job.stack.workers
