"""The shapes that units can train in: how many together, by how many workers, and what each shape takes.

Wide stacks fill a device best; narrow ones, and several workers for one member, end sooner and cost more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from panda_ray.execution.planning.packing import shared
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.units.unit import Unit

Seconds = Callable[[Stack, int], float]
"""How long a stack takes with so many workers. It may depend on what a stack's units share, on their methods and on
their number, but not on which units they are."""


@dataclass(frozen=True)
class Shape:
    """One way to train some units.

    Attributes:
        width: members.
        workers: slots that it occupies.
        seconds: from its start to its end.
    """

    width: int
    workers: int
    seconds: float

    @property
    def work(self) -> float:
        """Slot-seconds per member."""
        return self.seconds * self.workers / self.width


class Shapes:
    """Asks for the seconds of each different shape once: a plan has 100,000s of units, but few that differ in time.

    Args:
        max_workers: that a stack of one member may be spread over.
    """

    def __init__(self, seconds: Seconds, max_workers: int) -> None:
        self._seconds = seconds
        self._max_workers = max_workers
        self._known: dict[tuple[object, ...], float] = {}
        self._menus: dict[tuple[object, ...], tuple[Shape, ...]] = {}

    def seconds(self, members: Sequence[Unit], workers: int = 1) -> float:
        """How long a stack of these members takes."""
        address = (timed_as(members[0]), len(members), workers)
        if address not in self._known:
            self._known[address] = self._seconds(Stack(tuple(members)), workers)
        return self._known[address]

    def menu(self, members: Sequence[Unit]) -> tuple[Shape, ...]:
        """Ways to train these members (in equal parts), from the fastest to all of them in one stack.

        What takes longer than another one without less work is left out.
        """
        address = (timed_as(members[0]), len(members))
        if address not in self._menus:
            whole = Shape(len(members), 1, self.seconds(members))
            faster = sorted(self._faster(members, whole), key=lambda shape: (-shape.seconds, shape.work))
            menu = [whole]
            for shape in faster:
                if len(menu) > 1 and shape.work <= menu[-1].work:
                    menu.pop()
                menu.append(shape)
            self._menus[address] = tuple(reversed(menu))
        return self._menus[address]

    def _faster(self, members: Sequence[Unit], whole: Shape) -> Iterator[Shape]:
        count = len(members)
        shapes = [Shape(width, 1, self.seconds(members[:width])) for width in _equal_parts(count)]
        if members[0].config is not None:
            spread = range(2, self._max_workers + 1)
            shapes += [Shape(1, workers, self.seconds(members[:1], workers)) for workers in spread]
        return (shape for shape in shapes if shape.seconds < whole.seconds)


def _equal_parts(count: int) -> list[int]:
    """Widths of the parts that so many members can be cut into."""
    return sorted({-(-count // parts) for parts in range(2, count + 1)})


def timed_as(unit: Unit) -> tuple[object, ...]:
    """What units have in common that take the same seconds in the same shape."""
    return (*shared(unit), unit.method)
