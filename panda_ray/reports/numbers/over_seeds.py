"""One number over its seeds: mean, deviation and how many."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class OverSeeds:
    """What a table shows of one place.

    Attributes:
        by_seed: the number per seed.
    """

    by_seed: Mapping[int, float]

    @property
    def n(self) -> int:
        return len(self.by_seed)

    @property
    def mean(self) -> float:
        return statistics.fmean(self.by_seed.values())

    @property
    def std(self) -> float | None:
        """Standard deviation over seeds (n - 1); None for a single seed."""
        return statistics.stdev(self.by_seed.values()) if self.n > 1 else None
