"""How sure a gain is: the paired bootstrap over dev items.

A gain compares two units that were scored on the same dev items, so a replicate draws items once and scores both
units on them. Seeds are strata: they are never drawn, every replicate averages over all of them, with the same items
for each, because there is one dev set and not one per seed. The interval therefore says what another dev set of that
size might have shown; how much another seed changes is what the standard deviation beside a mean says.

Shape letters: R replicates, I dev items, M statistics of a task metric.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panda_ray.tasks.scoring import reduce, reduce_samples
from panda_ray.tracking.study import ItemStatistics

REPLICATES = 1000
LEVEL = 0.95
BOOTSTRAP_SEED = 0


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
class ScoredUnit:
    """A unit whose score is to be resampled."""

    target: str
    metric: str
    items: ItemStatistics


class Bootstrap:
    """Replicated scores of units, computed once per unit and combined freely.

    Units of one target share their samples, so any difference between them is paired.
    """

    def __init__(self, units: Mapping[str, ScoredUnit], protocol: str, replicates: int = REPLICATES) -> None:
        self._units = units
        self._protocol = protocol
        self._replicates = replicates
        self._samples: dict[tuple[str, int], NDArray[np.int32]] = {}
        self._scores: dict[str, NDArray[np.float64]] = {}

    def difference(self, pairs_by_target: Sequence[Sequence[tuple[str, str]]]) -> Interval | None:
        """Mean over targets of the mean over seeds of score(first) - score(second), in points.

        Args:
            pairs_by_target: per target, the keys of the two units of each seed.

        Returns:
            None where the predictions of a unit are not known.
        """
        keys = [key for pairs in pairs_by_target for pair in pairs for key in pair]
        if not keys or any(key not in self._units for key in keys):
            return None
        per_target = [
            np.mean([self._of(first) - self._of(second) for first, second in pairs], axis=0)
            for pairs in pairs_by_target
        ]
        estimate, *replicates_R = np.mean(per_target, axis=0)
        tail = (1 - LEVEL) / 2
        low, high = np.quantile(replicates_R, [tail, 1 - tail])
        return Interval(float(estimate), float(low), float(high))

    def _of(self, key: str) -> NDArray[np.float64]:
        """The unit's score followed by its R replicates."""
        if key not in self._scores:
            unit = self._units[key]
            statistics_IM = unit.items.of(self._protocol)
            samples_RI = self._samples_of(unit.target, len(statistics_IM))
            replicates_R = reduce_samples(unit.metric, statistics_IM, samples_RI)
            self._scores[key] = np.concatenate([[reduce(unit.metric, statistics_IM)], replicates_R])
        return self._scores[key]

    def _samples_of(self, target: str, items: int) -> NDArray[np.int32]:
        name = (target, items)
        if name not in self._samples:
            generator = np.random.default_rng([BOOTSTRAP_SEED, zlib.crc32(target.encode())])
            self._samples[name] = generator.integers(0, items, (self._replicates, items), dtype=np.int32)
        return self._samples[name]
