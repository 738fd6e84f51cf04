"""A run against a virtual clock: the dispatch of a real run, and stacks that take as long as they are said to take.

A sibling of the runners: it asks for stacks and tells how they ended, with a heap of ends instead of trainings.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from panda_ray.execution.costs.kinds import Kind
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.allocations import Seconds
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.scheduling.fleet import Slots
from panda_ray.execution.steering import FIXED_PLAN, Steering


@dataclass(frozen=True)
class Ran:
    """A stack that ran in a simulation, in seconds since its start."""

    stack: Stack
    start: float
    end: float


@dataclass(frozen=True)
class Simulation:
    """How a plan went on so many slots.

    Attributes:
        ran: in the order of the stacks' starts.
    """

    slots: int
    ran: tuple[Ran, ...]

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

    def following(busy: int) -> Stack | None:
        return dispatch.next(slots) if busy < slots else None

    return Simulation(slots, tuple(_ran(dispatch, following, lambda stack: seconds(stack, stack.workers), clock)))


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

    ran = _ran(dispatch, lambda _busy: dispatch.next_on(slots), lasts, clock)
    return Simulation(sum(slots.values()), tuple(ran))


class _Clock:
    """Virtual seconds since the start."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _ran(
    dispatch: Dispatch, following: Callable[[int], Stack | None], lasts: Callable[[Stack], float], clock: _Clock
) -> Iterator[Ran]:
    """Stacks as they start.

    Args:
        following: the next stack to start while so many slots are busy.
        lasts: how long a stack takes where it runs.
    """
    running: list[tuple[float, int, Stack]] = []
    started = busy = 0
    while True:
        while (stack := following(busy)) is not None:
            one = Ran(stack, clock.now, clock.now + lasts(stack))
            heapq.heappush(running, (one.end, started, stack))
            started, busy = started + 1, busy + stack.workers
            yield one
        if not running:
            return
        clock.now, _, ended = heapq.heappop(running)
        busy -= ended.workers
        dispatch.finished(ended, [Outcome(unit.key, "done") for unit in ended.todo])
