"""Which kind of worker a ready stack goes to, on a cluster that has several.

It goes where it ends first, those before it considered: stacks take their places in the order of the longest paths
behind them, each on the kind with the earliest end (HEFT: Topcuoglu, Hariri and Wu, IEEE TPDS 13(3), 2002), and those
start whose place is free now. So a slow worker gets what it ends sooner than the queue of the fast ones would, and
nothing that all others would wait for. What does not fit into a kind's memory never goes there.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from panda_ray.execution.costs.kinds import Kind
from panda_ray.execution.planning.stack import Stack

ARRIVAL_SECONDS = 300.0
"""After how long a kind that a growing cluster does not have yet is taken to be there. One that is not there by then is
not waited for any more."""

Slots = Mapping[str, int]
"""How many stacks the workers of each kind run at a time, busy ones included."""


@dataclass(frozen=True)
class _Run:
    accelerator: str
    end: float


class Fleet:
    """Follows a run on several kinds of worker by the clock.

    Args:
        kinds: none for workers that are all alike.
        clock: seconds since any moment.
        grows: whether workers may still come.
    """

    def __init__(self, kinds: Sequence[Kind], clock: Callable[[], float], grows: bool) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._clock = clock
        self._arrival = clock() + ARRIVAL_SECONDS if grows else clock()
        self._running: dict[str, _Run] = {}

    def started(self, stack: Stack) -> None:
        """Count a stack as running from now on, on the kind that it was given to."""
        assert stack.accelerator is not None, "it was placed"
        self._running[stack.id] = _Run(
            stack.accelerator, self._clock() + self._kinds[stack.accelerator].expected(stack)
        )

    def ended(self, stack: Stack) -> None:
        """Count a stack as running no more."""
        self._running.pop(stack.id, None)

    def first_to_start(self, ready: Iterable[Stack], slots: Slots) -> tuple[int, str] | None:
        """Which of ready stacks should start now, and on which kind; None where all should wait.

        Args:
            ready: in the order in which they take their places.
        """
        free = self.free(slots)
        if not any(free.values()):
            return None
        places = {name: self._places(name, slots.get(name, 0)) for name in self._kinds}
        for number, stack in enumerate(ready):
            ends = {name: starts[0] + self._kinds[name].expected(stack) for name, starts in places.items() if starts}
            name = min(self._holding(stack, ends), key=ends.__getitem__, default=None)
            if name is None:
                continue
            if free[name]:
                return number, name
            heapq.heapreplace(places[name], ends[name])
        return None

    def wanted(self, ready: Iterable[Stack], slots: Slots) -> dict[str, int]:
        """How many slots of each kind more than there are ready stacks could use.

        Each would go to the fastest kind that is there or may come; to any where none is.
        """
        asked: Counter[str] = Counter()
        for stack in ready:
            there = [name for name in self._kinds if slots.get(name, 0) or self._clock() < self._arrival]
            names = self._holding(stack, there)
            if names:
                asked[min(names, key=lambda name: self._kinds[name].expected(stack))] += 1
            else:
                asked.update(self._holding(stack, self._kinds))
        free = self.free(slots)
        return {name: max(0, asked[name] - free[name]) for name in self._kinds}

    def free(self, slots: Slots) -> dict[str, int]:
        """Slots of each kind on which nothing runs."""
        busy = Counter(run.accelerator for run in self._running.values())
        return {name: max(0, slots.get(name, 0) - busy[name]) for name in self._kinds}

    def _holding(self, stack: Stack, names: Iterable[str]) -> list[str]:
        """Those of some kinds that a stack fits on; where it fits on none, those with most room, which halve it."""
        held = {name for name, kind in self._kinds.items() if kind.holds(stack)}
        if not held:
            most = max(kind.room for kind in self._kinds.values())
            held = {name for name, kind in self._kinds.items() if kind.room == most}
        return [name for name in names if name in held]

    def _places(self, name: str, slots: int) -> list[float]:
        """When each slot of a kind is free, as a heap; of a kind that has none yet, the first one's arrival."""
        now = self._clock()
        if not slots:
            return [self._arrival] if now < self._arrival else []
        ends = [max(now, run.end) for run in self._running.values() if run.accelerator == name]
        places = [now] * (slots - len(ends)) + ends
        heapq.heapify(places)
        return places
