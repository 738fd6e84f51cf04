"""Differences between two cells of a study, over many cells and seeds, with both intervals that docs/results.md gives.

The paired bootstrap over dev items says what other dev rows might have shown, with these seeds; Student's interval over
the seeds what other seeds might have, with these rows. Both have the weights of the grid's mean.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.choosing.over_seeds import Mean, mean_of
from panda_ray.reports.numbers.averaging import CellSeed, grid_mean
from panda_ray.reports.numbers.statistics import Bootstrap, Interval

Pairs = Mapping[CellSeed, tuple[str, str]]
"""Per target, sources and seed the units of the first and the second cell."""

HOLDS, REFUTED, OPEN = "holds", "refuted", "open"


@dataclass(frozen=True)
class Difference:
    """First less second, in points.

    Attributes:
        by_seed: the grid's mean of each seed alone.
        items: the paired bootstrap over dev items; None where predictions are not known.
    """

    by_seed: Mapping[int, float]
    items: Interval | None

    @property
    def mean(self) -> float:
        return statistics.fmean(self.by_seed.values())

    @property
    def seeds(self) -> Mean:
        return mean_of(list(self.by_seed.values()))

    def verdict(self, sign: int) -> str:
        """What it says of a claim: the interval over items on one side of 0, and every seed there, too.

        Args:
            sign: of the claimed difference, 1 or -1.
        """
        if self.items is None:
            return OPEN
        for side, word in ((sign, HOLDS), (-sign, REFUTED)):
            low = min(side * self.items.low, side * self.items.high)
            if low > 0 and all(side * value > 0 for value in self.by_seed.values()):
                return word
        return OPEN


def difference(pairs: Pairs, scores: Mapping[str, float], bootstrap: Bootstrap) -> Difference:
    """Of cells that all seeds have.

    Args:
        scores: in percent, by unit.
    """
    seeds = sorted({seed for _, _, seed in pairs})
    by_seed = {
        seed: grid_mean(
            {cell: scores[first] - scores[second] for cell, (first, second) in pairs.items() if cell[2] == seed}
        )
        for seed in seeds
    }
    return Difference(by_seed, bootstrap.difference(pairs))
