"""Which shape a ready stack is started in, given the paths behind it, the work that is left and the slots there are.

Stacks are formed at the last moment: a wide stack fills a device best, but towards the end of a run, or on many slots,
it would outlast everything else. Then its members start as several stacks, or one member is spread over workers.
A member's result is the same in every shape up to the order of floating-point sums and its draws of dropout.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.allocations import Seconds, Shape, Shapes
from panda_ray.execution.scheduling.critical_path import longest_paths
from panda_ray.execution.scheduling.deadline import PRICES, balanced_end, shape_at
from panda_ray.execution.units.unit import Unit

SHORT_SECONDS = 60.0
"""A stack that takes less is never split or spread, and starts narrow only where a longer one waits for it: parts would
take longer to start than they save, and small runs keep the shapes, and so the bytes, of a run in one process."""

LARGEST_LOSS = 1.5
"""Members that could wait for a wider stack start in a narrow one on an idle slot if it takes at the most so many times
the work."""

_Bought = Mapping[str, Shape]
"""The shape of every unit at one price."""

_Offer = tuple[_Bought, Mapping[str, float]]
"""The shapes at one price, and the seconds of the longest path behind every unit."""


@dataclass(frozen=True)
class _Running:
    """A running stack, and when it should end."""

    stack: Stack
    end: float


class Shaper:
    """Knows the time that stacks take, and follows a run by the clock.

    Args:
        max_workers: that a stack of one member may be spread over.
        clock: seconds since any moment.
    """

    def __init__(
        self,
        seconds: Seconds,
        max_workers: int,
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._shapes = Shapes(seconds, max_workers)
        self._stacks: Sequence[Stack] = ()
        self._depends_on: Mapping[str, Sequence[str]] = {}
        self._packed: _Bought = {}
        self._waiting_work = 0.0
        self._running: dict[str, _Running] = {}
        self._priced: list[_Offer] = []
        self._slots = 0
        self._end = 0.0

    def add(self, stacks: Sequence[Stack], depends_on: Mapping[str, Sequence[str]], done: Collection[str]) -> None:
        """Count stacks in, all of whose members wait. Paths are found anew through everything that is not done.

        Args:
            stacks: as they were packed.
            depends_on: per new key, the keys that must be done before it can start.
            done: units that need not be counted with any more.
        """
        left = (stack for stack in self._stacks if not all(unit.key in done for unit in stack.members))
        self._stacks = (*left, *stacks)
        self._depends_on = {**self._depends_on, **depends_on}
        self._packed = self._bought(0.0)
        packed = _seconds(self._packed)
        self._after_packed = longest_paths(packed, self._depends_on).after
        only_long = {key: seconds if seconds >= SHORT_SECONDS else 0.0 for key, seconds in packed.items()}
        self._after_long = longest_paths(only_long, self._depends_on).after
        self._waiting_work += sum(self._packed[unit.key].work for stack in stacks for unit in stack.members)
        self._slots = 0  # aim anew
        self._priced = []

    def rank(self, members: Sequence[Unit]) -> float:
        """Seconds of the longest path that starts with a stack of these members."""
        return self._shapes.seconds(members) + _longest(self._after_packed, members)

    def is_short(self, members: Sequence[Unit]) -> bool:
        """Whether a stack of these members is not worth another shape."""
        return self._shapes.seconds(members) < SHORT_SECONDS

    def may_start_narrow(self, members: Sequence[Unit], full: Sequence[Unit]) -> bool:
        """Whether some members of a stack may start on an idle slot before its others are ready."""
        if self.is_short(members):
            return _longest(self._after_long, members) > 0
        work, least_work = self._shapes.seconds(members), self._shapes.seconds(full)
        return work / len(members) <= LARGEST_LOSS * least_work / len(full)

    def aim(self, waiting: Iterable[Stack], slots: int) -> None:
        """Find the end that the run can have on so many slots, from now on; nothing to do while all stays the same."""
        if slots == self._slots:
            return
        self._slots = slots
        running = self._still_running()
        left = {unit.key: seconds for seconds, one in running for unit in one.stack.members}
        keys = [unit.key for stack in waiting for unit in stack.members]
        self._end = self._clock() + self._earliest_end(keys, left, _work(running))

    def shape(self, members: Sequence[Unit]) -> Shape:
        """The shape in which the first of these members should start now."""
        menu = self._shapes.menu(members)
        left = max(self._end - self._clock(), (self._waiting_work + _work(self._still_running())) / self._slots)
        if self.is_short(members) or self.rank(members) <= left:
            return menu[-1]
        left = max(left, self._longest_running())
        for price, (_, after) in zip(PRICES, self._offers, strict=True):
            shape = shape_at(price, menu)
            if shape.seconds + _longest(after, members) <= left:
                return shape
        return menu[0]

    def now_or_later(self, unit: Unit, shape: Shape, free: int) -> Shape | None:
        """A shape for a unit that should have more workers than are free; None where it ends sooner if it waits."""
        now = Shape(1, free, self._shapes.seconds((unit,), free))
        freed = free
        for left, one in sorted(self._still_running(), key=lambda pair: pair[0]):
            freed += one.stack.workers
            if freed >= shape.workers:
                return now if now.seconds <= left + shape.seconds else None
        return now

    def started(self, stack: Stack) -> None:
        """Count a stack as running from now on."""
        end = self._clock() + self._shapes.seconds(stack.members, stack.workers)
        self._running[stack.id] = _Running(stack, end)
        self.left(stack.members)

    def ended(self, stack: Stack) -> None:
        """Count a stack as running no more."""
        self._running.pop(stack.id, None)

    def left(self, members: Iterable[Unit]) -> None:
        """Count members as waiting no more."""
        self._waiting_work -= sum(self._packed[unit.key].work for unit in members)

    def returned(self, members: Iterable[Unit]) -> None:
        """Count members as waiting again."""
        self._waiting_work += sum(self._packed[unit.key].work for unit in members)

    @property
    def _offers(self) -> Sequence[_Offer]:
        """Every price's; only where the packed shapes do not suffice, because there are many of them."""
        if not self._priced:
            bought = (self._packed, *(self._bought(price) for price in PRICES[1:]))
            self._priced = [(each, longest_paths(_seconds(each), self._depends_on).after) for each in bought]
        return self._priced

    def _bought(self, price: float) -> _Bought:
        shapes: dict[str, Shape] = {}
        for stack in self._stacks:
            shape = shape_at(price, self._shapes.menu(stack.members))
            shapes |= dict.fromkeys((unit.key for unit in stack.members), shape)
        return shapes

    def _earliest_end(self, keys: Sequence[str], left: Mapping[str, float], work: float) -> float:
        """Seconds until these units and the running ones can have ended.

        Args:
            left: seconds that running units still take.
            work: slot-seconds that they still take.
        """
        enough = (work + sum(self._packed[key].work for key in keys)) / self._slots
        paths = self._paths(self._packed, self._after_packed, keys, left)
        if max(paths, default=0.0) <= enough:
            return enough
        paths_KU = [self._paths(*offer, keys, left) for offer in self._offers]
        work_KU = [[bought[key].work for key in keys] for bought, _ in self._offers]
        return balanced_end(np.array(paths_KU).T, np.array(work_KU).T, self._slots, work)

    def _paths(
        self, bought: _Bought, after: Mapping[str, float], keys: Sequence[str], left: Mapping[str, float]
    ) -> list[float]:
        """The longest path through each unit, from now on."""
        seconds = {**left, **{key: bought[key].seconds for key in keys}}
        before = longest_paths(seconds, self._depends_on).before
        return [before[key] + seconds[key] + after[key] for key in keys]

    def _longest_running(self) -> float:
        """Seconds of the longest path that is left behind a running stack, bought at any price."""
        _, fastest = self._offers[-1]
        return max((left + _longest(fastest, one.stack.members) for left, one in self._still_running()), default=0.0)

    def _still_running(self) -> list[tuple[float, _Running]]:
        """Running stacks with the seconds that they should have left."""
        now = self._clock()
        return [(max(0.0, one.end - now), one) for one in self._running.values()]


def _seconds(bought: _Bought) -> dict[str, float]:
    return {key: shape.seconds for key, shape in bought.items()}


def _longest(paths: Mapping[str, float], members: Iterable[Unit]) -> float:
    return max(paths[unit.key] for unit in members)


def _work(running: Iterable[tuple[float, _Running]]) -> float:
    """Slot-seconds that running stacks have left."""
    return sum(left * one.stack.workers for left, one in running)
