"""When a run can end at the earliest: shapes that are fast enough for every path cost work, which must fit.

A unit is fast enough in a shape with which the longest path through it, all else as fast as it can be, ends in time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from panda_ray.execution.scheduling.shapes.allocations import Shape

_STEPS = 40
"""Halvings of the interval that holds the end."""


def earliest_end(
    shapes: Mapping[str, Sequence[Shape]], around: Mapping[str, float], slots: int, work: float = 0.0
) -> float:
    """Seconds until everything can have ended on so many slots; no schedule can be faster.

    Args:
        shapes: per unit, what it can be trained in.
        around: per unit, seconds of the longest path before and behind it.
        work: slot-seconds that are to be done besides.
    """
    menus = {id(menu): menu for menu in shapes.values()}
    alike = Counter((id(menu), around[key]) for key, menu in shapes.items())

    def work_until(end: float) -> float:
        """The least slot-seconds with which nothing delays the end."""
        return work + sum(
            count * min((shape.work for shape in menus[menu] if shape.seconds <= end - others), default=0.0)
            for (menu, others), count in alike.items()
        )

    fastest = (min(shape.seconds for shape in menus[menu]) + others for menu, others in alike)
    low = high = max(work_until(float("inf")) / slots, max(fastest, default=0.0))
    while work_until(high) > high * slots:
        high *= 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if work_until(middle) > middle * slots else (low, middle)
    return high
