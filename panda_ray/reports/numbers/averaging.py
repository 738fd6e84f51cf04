"""The one mean of a grid: over targets, of the mean over a target's transfers, of the mean over their seeds.

Every mean over many cells in a report is this one, and so is the interval beside it: on a grid with holes a target
with few transfers counts as much as any other, and a transfer with few seeds as much as its neighbours. On a whole grid
it is the paper's mean of row averages, because there every order of averaging gives the same number.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

CellSeed = tuple[str, str, int]
"""Target, sources ("" without transfer), seed: the levels of the mean, outermost first."""


def cell_weights(cells: Iterable[CellSeed]) -> dict[CellSeed, float]:
    """What each of the given cells weighs in their mean; the sum is 1."""
    listed = list(dict.fromkeys(cells))
    children: dict[tuple[object, ...], set[object]] = defaultdict(set)
    for cell in listed:
        for level, name in enumerate(cell):
            children[cell[:level]].add(name)
    return {cell: 1 / math.prod(len(children[cell[:level]]) for level in range(len(cell))) for cell in listed}


def grid_mean(values: Mapping[CellSeed, float]) -> float:
    """The mean of the values of a grid, which may have holes but not be empty."""
    return math.fsum(weight * values[cell] for cell, weight in cell_weights(values).items())
