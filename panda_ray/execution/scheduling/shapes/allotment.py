"""Which shape a ready stack is started in, given the paths behind it, the work that is left and the slots there are.

Stacks are formed at the last moment: a wide stack fills a device best, but towards the end of a run, or on many slots,
it would outlast everything else. Then its members start as several stacks, or one member is spread over workers.
A member's result is the same in every shape up to the order of floating-point sums and its draws of dropout.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.shapes.allocations import Seconds, Shape, Shapes
from panda_ray.execution.scheduling.shapes.critical_path import longest_paths
from panda_ray.execution.scheduling.shapes.deadline import earliest_end
from panda_ray.execution.scheduling.shapes.enlarging import decisive, on_more
from panda_ray.execution.scheduling.shapes.running_stacks import Running, RunningStacks
from panda_ray.execution.units.unit import Unit

SHORT_SECONDS = 60.0
"""A stack that takes less is never split or spread, and starts narrow only where a longer one waits for it: parts would
take longer to start than they save, and small runs keep the shapes, and so the bytes, of a run in one process."""

LARGEST_LOSS = 1.5
"""Members that could wait for a wider stack start in a narrow one on an idle slot if it takes at the most so many times
the work."""


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
        self._shapes, self._max_workers = Shapes(seconds, max_workers), max_workers
        self._stacks: Sequence[Stack] = ()
        self._depends_on: Mapping[str, Sequence[str]] = {}
        self._menus: dict[str, Sequence[Shape]] = {}
        """Per unit, from its fastest shape to that in which it was packed."""
        self._waiting_work = 0.0
        self._running = RunningStacks(clock)
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
        self._menus = {unit.key: self._shapes.menu(one.members) for one in self._stacks for unit in one.members}
        self._after_fastest = longest_paths(self._fastest(self._menus), self._depends_on).after
        packed = {key: menu[-1].seconds for key, menu in self._menus.items()}
        self._after_packed = longest_paths(packed, self._depends_on).after
        only_long = {key: seconds if seconds >= SHORT_SECONDS else 0.0 for key, seconds in packed.items()}
        self._after_long = longest_paths(only_long, self._depends_on).after
        self._waiting_work += sum(self._packed_work(stack.members) for stack in stacks)
        self._slots = 0  # aim anew

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
        running = self._running.left()
        left = {unit.key: seconds for seconds, one in running for unit in one.stack.members}
        menus = {unit.key: self._menus[unit.key] for stack in waiting for unit in stack.members}
        before = longest_paths({**left, **self._fastest(menus)}, self._depends_on).before
        around = {key: before[key] + self._after_fastest[key] for key in menus}
        self._end = self._clock() + earliest_end(menus, around, slots, _work(running))

    def shape(self, members: Sequence[Unit]) -> Shape:
        """The shape in which the first of these members should start now: the least work that delays nothing."""
        menu, running = self._shapes.menu(members), self._running.left()
        if self.is_short(members):
            return menu[-1]
        left = max(
            self._end - self._clock(),
            (self._waiting_work + _work(running)) / self._slots,
            *(seconds + self._behind(one.stack) for seconds, one in running),
        )
        behind = _longest(self._after_fastest, members)
        return next((shape for shape in reversed(menu) if shape.seconds + behind <= left), menu[0])

    def now_or_later(self, unit: Unit, shape: Shape, free: int) -> Shape | None:
        """A shape for a unit that should have more workers than are free; None where it ends sooner if it waits."""
        now = Shape(1, free, self._shapes.seconds((unit,), free))
        freed = free
        for left, one in sorted(self._running.left(), key=lambda pair: pair[0]):
            freed += one.stack.workers
            if freed >= shape.workers:
                return now if now.seconds <= left + shape.seconds else None
        return now

    def enlarged(self, slots: int, free: int, waits_for: Callable[[Collection[str]], bool]) -> Stack | None:
        """A running stack that should go on with more workers, as it is then; it counts as running so from now on.

        Args:
            free: slots that it may have besides those that it has.
            waits_for: whether all that waits does so for some of these units.
        """
        running, cost = self._running.left(), self._running.restart_seconds
        bound = (self._waiting_work + _work(running)) / slots
        found = decisive(running, self._behind, bound, self._clock(), cost)
        if not found or not waits_for(found[0][1].stack.keys):
            return None
        left, stack = found[0][0], found[0][1].stack
        # Others of them will be asked next, and have their part.
        most = min(self._max_workers, stack.workers + -(-free // len(found)))
        larger = on_more(stack, left, most, lambda workers: self._shapes.seconds(stack.members, workers), cost)
        if larger is None:
            return None
        self._running.enlarged(*larger)
        return larger[0]

    def started(self, stack: Stack) -> None:
        """Count a stack as running from now on."""
        self._follow(stack)
        self.left(stack.members)

    def shrunk(self, stack: Stack) -> None:
        """Count a running stack as begun anew, on fewer workers."""
        self._follow(stack)

    def heard(self, stack: Stack, epoch: int, epochs: int, seconds: float) -> None:
        """Take note of an epoch; see `RunningStacks.heard`."""
        self._running.heard(stack, epoch, epochs, seconds)

    def ended(self, stack: Stack) -> None:
        """Count a stack as running no more."""
        self._running.ended(stack)

    def left(self, members: Iterable[Unit]) -> None:
        """Count members as waiting no more."""
        self._waiting_work -= self._packed_work(members)

    def returned(self, members: Iterable[Unit]) -> None:
        """Count members as waiting again."""
        self._waiting_work += self._packed_work(members)

    def _follow(self, stack: Stack) -> None:
        self._running.started(stack, self._shapes.seconds(stack.members, stack.workers))

    def _behind(self, stack: Stack) -> float:
        """Seconds of the longest path that waits for a stack."""
        return _longest(self._after_fastest, stack.members)

    def _packed_work(self, members: Iterable[Unit]) -> float:
        """Slot-seconds of members in the stacks that they were packed in."""
        return sum(self._menus[unit.key][-1].work for unit in members)

    @staticmethod
    def _fastest(menus: Mapping[str, Sequence[Shape]]) -> dict[str, float]:
        return {key: menu[0].seconds for key, menu in menus.items()}


def _longest(paths: Mapping[str, float], members: Iterable[Unit]) -> float:
    return max(paths[unit.key] for unit in members)


def _work(running: Iterable[tuple[float, Running]]) -> float:
    """Slot-seconds that running stacks have left."""
    return sum(left * one.stack.workers for left, one in running)
