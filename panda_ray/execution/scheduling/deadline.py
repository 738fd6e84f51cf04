"""When a run can end at the earliest, and how much time may cost on the way.

The end is bounded by the longest path, its stacks in fast shapes, and by the work, stacks in wide shapes, on all slots.
Fast shapes cost work. What a second is worth is a price in slots; at a price, every unit has the shape with the least
work plus price times seconds. The balanced end is the earliest one at which every unit can have the lowest price with
which its longest path is short enough, and the work of all still fits (two-phase scheduling of malleable tasks, as
Lepere, Trystram and Woeginger 2001, with prices instead of rounding).

Shape letters: U units, K prices.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from panda_ray.execution.scheduling.allocations import Shape

PRICES = (0.0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0, 16.0, float("inf"))
"""Slots that one may keep busy for a second, to end a second earlier. For nothing, a stack starts as it was packed."""

_STEPS = 24
"""Halvings of the interval that holds the balanced end."""

Array = NDArray[np.float64]


def shape_at(price: float, menu: Sequence[Shape]) -> Shape:
    """The shape that is worth its work.

    Args:
        menu: from the fastest shape to the one that was packed.
    """
    if price == 0:
        return menu[-1]
    if price == float("inf"):
        return menu[0]
    return min(menu, key=lambda shape: shape.work + price * shape.seconds)


def balanced_end(path_UK: Array, work_UK: Array, slots: int, work: float) -> float:
    """Seconds until everything can have ended on so many slots, by paths and work alone.

    Args:
        path_UK: the longest path through each unit, if all of it is bought at each price.
        work_UK: slot-seconds of each unit at each price.
        work: slot-seconds that are to be done besides.
    """
    earliest = max(float(path_UK[:, -1].max()), (work + float(work_UK[:, 0].sum())) / slots)
    latest = max(earliest, float(path_UK[:, 0].max()))
    if _fits(earliest, path_UK, work_UK, slots, work):
        return earliest
    for _ in range(_STEPS):
        middle = (earliest + latest) / 2
        if _fits(middle, path_UK, work_UK, slots, work):
            latest = middle
        else:
            earliest = middle
    return latest


def _fits(end: float, path_UK: Array, work_UK: Array, slots: int, work: float) -> bool:
    """Whether the work of units that all end in time fits."""
    in_time_UK = path_UK <= end
    in_time_UK[:, -1] = True
    lowest_U = in_time_UK.argmax(axis=1)
    return work + float(np.take_along_axis(work_UK, lowest_U[:, None], axis=1).sum()) <= end * slots
