"""When everything can have ended at the earliest, by hand."""

from __future__ import annotations

import pytest

from panda_ray.execution.scheduling.shapes.allocations import Shape
from panda_ray.execution.scheduling.shapes.deadline import earliest_end

FIRST = (Shape(1, 2, 4.0), Shape(1, 1, 6.0))
"""Four seconds on two workers, or six on one."""
SECOND = (Shape(1, 1, 5.0),)
"""Waits for the first one."""
OTHER = (Shape(1, 1, 2.0),)


@pytest.mark.parametrize(
    ("others", "slots", "besides", "end"),
    [
        (10, 2, 0.0, 15.5),  # 6 + 5 + 20 slot-seconds: the first one has time
        (4, 2, 0.0, 10.5),  # with 6 + 5 + 8 the work would fit into 9.5 s, in which six and five seconds do not
        (4, 8, 0.0, 9.0),  # four and five seconds, whatever it costs
        (4, 2, 10.0, 14.5),
        (0, 3, 0.0, 9.0),
    ],
)
def test_the_end_is_the_first_at_which_the_least_work_that_is_fast_enough_fits(
    others: int, slots: int, besides: float, end: float
) -> None:
    shapes = {"first": FIRST, "second": SECOND, **{f"other {index}": OTHER for index in range(others)}}
    around = {"first": 5.0, "second": 4.0, **{f"other {index}": 0.0 for index in range(others)}}
    assert earliest_end(shapes, around, slots, besides) == pytest.approx(end)


def test_without_units_the_work_besides_is_left() -> None:
    assert earliest_end({}, {}, 4, 6.0) == pytest.approx(1.5)
