"""How sure a gain is: the paired bootstrap over dev items.

A gain compares two units that were scored on the same dev items, so a replicate draws items once and scores both
units on them. Seeds are strata: they are never drawn, every replicate averages over all of them, with the same items
for each, because there is one dev set and not one per seed. The interval therefore says what another dev set of that
size might have shown; how much another seed changes is what the standard deviation beside a mean says.

Shape letters: U units, R replicates, I dev items, M statistics of a measure.
"""

from __future__ import annotations

import os
import zlib
from collections import defaultdict
from collections.abc import Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from panda_ray.reports.numbers.averaging import CellSeed, cell_weights
from panda_ray.tasks.measures.scores import reduce, reduce_samples

REPLICATES = 1000
LEVEL = 0.95
BOOTSTRAP_SEED = 0

_UNITS_AT_ONCE = 128
"""Units whose statistics are copied side by side: 128 of 1,500 items and three statistics take 5 MB."""

Compared = Mapping[CellSeed, tuple[str, str]]
"""Per cell and seed, the names of the two units whose difference is meant."""


@dataclass(frozen=True)
class Interval:
    """A difference in points and its bootstrap interval."""

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class ScoredItems:
    """What a score is reduced from, and may be resampled from: the statistics (I, M) of a task's dev items."""

    target: str
    measure: str
    statistics_IM: NDArray[np.float64]


class Bootstrap:
    """Replicated scores of units, computed once per unit and combined freely.

    Units of one target share their samples, so any difference between them is paired.
    """

    def __init__(self, units: Mapping[str, ScoredItems], replicates: int = REPLICATES) -> None:
        self._units = units
        self._replicates = replicates
        self._scores: dict[str, NDArray[np.float64]] = {}

    def difference(self, compared: Compared) -> Interval | None:
        """The grid's mean (see `averaging.py`) of score(first) - score(second), in points.

        Returns:
            None where nothing is compared, or where the predictions of a unit are not known.
        """
        names = {name for pair in compared.values() for name in pair}
        if not names or not names <= self._units.keys():
            return None
        if targets := {self._units[name].target for name in names - self._scores.keys()}:
            self._score(targets)
        estimate_and_replicates = np.zeros(1 + self._replicates)
        for cell, weight in cell_weights(compared).items():
            first, second = compared[cell]
            estimate_and_replicates += weight * (self._scores[first] - self._scores[second])
        estimate, replicates_R = float(estimate_and_replicates[0]), estimate_and_replicates[1:]
        tail = (1 - LEVEL) / 2
        low, high = np.quantile(replicates_R, [tail, 1 - tail])
        return Interval(estimate, float(low), float(high))

    def _score(self, targets: Set[str]) -> None:
        """Keep the score, followed by its R replicates, of every unit of some targets."""
        alike: dict[tuple[str, str, tuple[int, ...]], list[str]] = defaultdict(list)
        for name, unit in self._units.items():
            if unit.target in targets:
                alike[unit.target, unit.measure, unit.statistics_IM.shape].append(name)
        parts = [
            (target, measure, shape[0], listed[first : first + _UNITS_AT_ONCE])
            for (target, measure, shape), listed in alike.items()
            for first in range(0, len(listed), _UNITS_AT_ONCE)
        ]
        # NumPy works outside of Python's lock; threads of BLAS beneath these would only wait for each other.
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
            for scored in pool.map(lambda part: self._scored(*part), parts):
                self._scores |= scored

    def _scored(self, target: str, measure: str, items: int, names: list[str]) -> dict[str, NDArray[np.float64]]:
        statistics_UIM = np.stack([self._units[name].statistics_IM for name in names])
        scores_U1 = np.array([[reduce(measure, statistics_IM)] for statistics_IM in statistics_UIM])
        scores_UR = reduce_samples(measure, statistics_UIM, self._samples(target, items))
        return dict(zip(names, np.concatenate([scores_U1, scores_UR], axis=1), strict=True))

    def _samples(self, target: str, items: int) -> NDArray[np.int32]:
        """The same (R, I) numbers of items for every unit of a target."""
        generator = np.random.default_rng([BOOTSTRAP_SEED, zlib.crc32(target.encode())])
        return generator.integers(0, items, (self._replicates, items), dtype=np.int32)
