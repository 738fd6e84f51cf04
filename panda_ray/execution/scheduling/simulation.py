"""A run against a virtual clock: the dispatch of a real run, and stacks that take as long as they are said to take.

A sibling of the runners: it asks for stacks and tells how they ended, with a heap of ends instead of trainings.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.allocations import Seconds
from panda_ray.execution.scheduling.dispatcher import Dispatch
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
    now = 0.0
    dispatch = Dispatch(plan, seconds, steering=steering)
    dispatch.foresee(clock=lambda: now)
    ran: list[Ran] = []
    running: list[tuple[float, int]] = []
    free = slots
    while True:
        while free > 0 and (stack := dispatch.next(slots)) is not None:
            free -= stack.workers
            one = Ran(stack, now, now + seconds(stack, stack.workers))
            heapq.heappush(running, (one.end, len(ran)))
            ran.append(one)
        if not running:
            return Simulation(slots, tuple(ran))
        now, number = heapq.heappop(running)
        ended = ran[number].stack
        free += ended.workers
        dispatch.finished(ended, [Outcome(unit.key, "done") for unit in ended.todo])
