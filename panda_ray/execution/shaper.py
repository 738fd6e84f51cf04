"""Which shape a ready stack is started in, given the paths behind it, the work that is left and the slots there are.

Stacks are formed at the last moment: a wide stack fills a device best, but towards the end of a run, or on many slots,
it would outlast everything else. Then its members start as several stacks, or one member is spread over workers.
A member's result is the same in every shape up to the order of floating-point sums and its draws of dropout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from panda_ray.execution.balance import Stage, balanced_end
from panda_ray.execution.priority import longest_paths
from panda_ray.execution.shapes import Seconds, Shape, Shapes
from panda_ray.execution.stack import Stack
from panda_ray.execution.unit import Unit

SHORT_SECONDS = 60.0
"""A stack that takes less is never split or spread: starting its parts would take longer than they save, and small
runs keep the shapes, and so the bytes, of a run in one process."""

LARGEST_LOSS = 1.5
"""Members that could wait for a wider stack start in a narrow one on an idle slot if it takes at the most so many times
the work."""


@dataclass(frozen=True)
class _Running:
    """A running stack, when it should end, and the seconds of the fastest path behind it."""

    stack: Stack
    end: float
    after: float


class Shaper:
    """Knows the time that stacks take, and follows a run by the clock.

    Args:
        stacks: all that will run, as they were packed.
        depends_on: per key, the keys that must be done before it can start.
        max_workers: that a stack of one member may be spread over.
        clock: seconds since any moment.
    """

    def __init__(
        self,
        stacks: Sequence[Stack],
        depends_on: Mapping[str, Sequence[str]],
        seconds: Seconds,
        max_workers: int,
        clock: Callable[[], float],
    ) -> None:
        self._depends_on = depends_on
        self._clock = clock
        self._shapes = Shapes(seconds, max_workers)
        self._widest: dict[str, float] = {}
        """Per unit, seconds of the stack that it was packed into."""
        self._fastest: dict[str, float] = {}
        """Per unit, seconds alone, on as many workers as help."""
        self._work: dict[str, float] = {}
        """Per unit, its share of the slot-seconds of that stack."""
        for stack in stacks:
            whole = self._shapes.seconds(stack.members)
            for unit in stack.members:
                self._widest[unit.key] = whole
                self._fastest[unit.key] = self._shapes.menu((unit,))[0].seconds
                self._work[unit.key] = whole / len(stack.members)
        self._after_widest = longest_paths(self._widest, depends_on).after
        self._after_fastest = longest_paths(self._fastest, depends_on).after
        self._waiting_work = sum(self._work.values())
        self._running: dict[str, _Running] = {}
        self._slots = 0
        self._end = 0.0

    def rank(self, members: Sequence[Unit]) -> float:
        """Seconds of the longest path that starts with a stack of these members."""
        return self._shapes.seconds(members) + self._after(self._after_widest, members)

    def is_short(self, members: Sequence[Unit]) -> bool:
        """Whether a stack of these members is not worth another shape."""
        return self._shapes.seconds(members) < SHORT_SECONDS

    def may_start_narrow(self, members: Sequence[Unit], full: Sequence[Unit]) -> bool:
        """Whether some members of a stack may start on an idle slot before its others are ready."""
        if self.rank(members) < SHORT_SECONDS:
            return False
        work, least_work = self._shapes.seconds(members), self._shapes.seconds(full)
        return self.is_short(members) or work / len(members) <= LARGEST_LOSS * least_work / len(full)

    def aim(self, waiting: Iterable[Stack], slots: int) -> None:
        """Find the end that the run can have on so many slots, from now on; nothing to do while they stay the same."""
        if slots == self._slots:
            return
        self._slots = slots
        now, waiting, running = self._clock(), list(waiting), self._still_running()
        left = {unit.key: seconds for seconds, one in running for unit in one.stack.members}
        keys = [unit.key for stack in waiting for unit in stack.members]
        fastest, widest = (
            longest_paths({**left, **{key: seconds[key] for key in keys}}, self._depends_on).before
            for seconds in (self._fastest, self._widest)
        )
        stages = [self._stage(stack.members, fastest, widest) for stack in waiting]
        self._end = now + balanced_end(stages, slots, _work(running))

    def shape(self, members: Sequence[Unit]) -> Shape:
        """The shape in which the first of these members should start now."""
        if self.is_short(members):
            return Shape(len(members), 1, self._shapes.seconds(members))
        nothing = dict.fromkeys((unit.key for unit in members), 0.0)
        return self._stage(members, nothing, nothing).shape(self._seconds_left())

    def started(self, stack: Stack) -> None:
        """Count a stack as running from now on."""
        end = self._clock() + self._shapes.seconds(stack.members, stack.workers)
        self._running[stack.id] = _Running(stack, end, self._after(self._after_fastest, stack.members))
        self.left(stack.members)

    def ended(self, stack: Stack) -> None:
        """Count a stack as running no more."""
        self._running.pop(stack.id, None)

    def left(self, members: Iterable[Unit]) -> None:
        """Count members as waiting no more."""
        self._waiting_work -= sum(self._work[unit.key] for unit in members)

    def _seconds_left(self) -> float:
        """From now to the end that is aimed at, or to the end that the running stacks leave."""
        running = self._still_running()
        paths = max((left + one.after for left, one in running), default=0.0)
        return max(self._end - self._clock(), (self._waiting_work + _work(running)) / self._slots, paths)

    def _still_running(self) -> list[tuple[float, _Running]]:
        """Running stacks with the seconds that they should have left."""
        now = self._clock()
        return [(max(0.0, one.end - now), one) for one in self._running.values()]

    def _stage(self, members: Sequence[Unit], fastest: Mapping[str, float], widest: Mapping[str, float]) -> Stage:
        """A stack on its longest path; the mappings hold what comes before each unit."""
        return Stage(
            self._shapes.menu(members),
            len(members),
            max(fastest[unit.key] + self._after_fastest[unit.key] for unit in members),
            max(widest[unit.key] + self._after_widest[unit.key] for unit in members),
        )

    @staticmethod
    def _after(paths: Mapping[str, float], members: Iterable[Unit]) -> float:
        return max(paths[unit.key] for unit in members)


def _work(running: Iterable[tuple[float, _Running]]) -> float:
    """Slot-seconds that running stacks have left."""
    return sum(left * one.stack.workers for left, one in running)
