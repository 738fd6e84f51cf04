"""When a run can end at the earliest, and which shape each stack may have for that: all paths share their slack.

The end is bounded by the longest path, each of its stacks in its fastest shape, and by the work, each stack in its
widest shape, on all slots. Faster shapes cost work: the balanced end is the earliest one at which the paths are short
enough and the work that this costs still fits (the two-phase scheduling of malleable tasks, Lepere et al. 2001).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from panda_ray.execution.shapes import Shape

_STEPS = 24
"""Halvings of the interval that holds the balanced end."""


@dataclass(frozen=True)
class Stage:
    """A stack on its longest path.

    Attributes:
        menu: its possible shapes, from the fastest to the widest.
        count: its members.
        around_fastest, around_widest: seconds of what comes before and after it on its longest path, if all of that has
            its fastest or its widest shape.
    """

    menu: Sequence[Shape]
    count: int
    around_fastest: float
    around_widest: float

    @property
    def shortest_path(self) -> float:
        return self.around_fastest + self.menu[0].seconds

    @property
    def widest_path(self) -> float:
        return self.around_widest + self.menu[-1].seconds

    @property
    def least_work(self) -> float:
        """Slot-seconds of all members in one stack."""
        return self.menu[-1].seconds

    def shape(self, seconds: float) -> Shape:
        """The shape with the least work with which the whole path fits into so many seconds.

        Every stack of a path gives up the same share of what it could give up. The fastest shape where none fits.
        """
        if seconds >= self.widest_path:
            return self.menu[-1]
        if seconds <= self.shortest_path:
            return self.menu[0]
        share = (seconds - self.shortest_path) / (self.widest_path - self.shortest_path)
        fastest, widest = self.menu[0].seconds, self.menu[-1].seconds
        allowed = fastest + share * (widest - fastest)
        return min((shape for shape in self.menu if shape.seconds <= allowed), key=lambda shape: shape.work)

    def work(self, seconds: float) -> float:
        """Slot-seconds of all members in that shape."""
        return self.shape(seconds).work * self.count


def balanced_end(stages: Iterable[Stage], slots: int, work: float = 0.0) -> float:
    """Seconds until everything can have ended on so many slots, by paths and work alone.

    Args:
        work: slot-seconds that are to be done besides the stages.
    """
    stages = list(stages)
    earliest = max((stage.shortest_path for stage in stages), default=0.0)
    earliest = max(earliest, (work + sum(stage.least_work for stage in stages)) / slots)
    latest = max((stage.widest_path for stage in stages), default=0.0)
    return _first(earliest, latest, lambda end: work + sum(stage.work(end) for stage in stages) <= end * slots)


def _first(low: float, high: float, fits: Callable[[float], bool]) -> float:
    """The least value of an interval, up to rounding, that fits; `high` does."""
    if low >= high or fits(low):
        return low
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
