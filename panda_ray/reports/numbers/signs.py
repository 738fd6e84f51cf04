"""The sign test: whether one of two methods is the better one in more cells than chance would have it."""

from __future__ import annotations

from math import comb


def sign_test(above: int, below: int) -> float:
    """Two-sided p-value of an exact sign test; cells that are equal count on neither side, and 1.0 without any other.

    A light install has no SciPy, whose `binomtest` it equals.
    """
    cells = above + below
    tail = sum(comb(cells, better) for better in range(min(above, below) + 1))
    return min(1.0, 2 * tail / (1 << cells))
