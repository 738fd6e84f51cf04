"""What it costs to choose sources by a metric: regret, and the gain of what is chosen.

Per target, the k sources that a metric ranks highest are tried and the best of them is kept. Regret@k is how far its
score lies below that of the best source of all, in percent of it: 100 (best - best of k) / best. Equally ranked sources
are in any order, so what is meant is the expectation over orders; a metric that ranks all equally chooses at random.
A task is no source for itself here.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import comb

REGRET_AT = (1, 3, 5)

PairValues = Mapping[tuple[str, str], float]
"""By (source, target)."""


@dataclass(frozen=True)
class Choosing:
    """What choosing by one metric gives.

    Attributes:
        regret: per k, by target; without targets that have no more than k sources.
        gain: of the first choice over prompt tuning, by target, in points; empty where prompt tuning is missing.
    """

    regret: Mapping[int, Mapping[str, float]]
    gain: Mapping[str, float]

    def mean_regret(self, k: int) -> float | None:
        """Over targets, in percent; None without any."""
        return _mean(self.regret[k].values())

    @property
    def mean_gain(self) -> float | None:
        return _mean(self.gain.values())

    @property
    def worst(self) -> tuple[str, float] | None:
        """The target for which the first choice helps least, and its gain."""
        return min(self.gain.items(), key=lambda item: item[1], default=None)


def choosing(ranking: PairValues, scores: PairValues, gains: PairValues) -> Choosing:
    """By a metric's ranking.

    Args:
        ranking: predicted similarity; one value for all pairs is a choice at random.
        scores: of PoT, mean over seeds, in percent.
        gains: of PoT over prompt tuning.
    """
    sources = defaultdict(list)
    for source, target in ranking:
        if source != target and (source, target) in scores:
            sources[target].append(source)
    regret: dict[int, dict[str, float]] = {k: {} for k in REGRET_AT}
    gain = {}
    for target, names in sources.items():
        ranked = [ranking[source, target] for source in names]
        scored = [scores[source, target] for source in names]
        for k in REGRET_AT:
            if len(names) > k and max(scored) > 0:
                regret[k][target] = 100 * (max(scored) - expected_best(ranked, scored, k)) / max(scored)
        if len(names) > 1 and all((source, target) in gains for source in names):
            gain[target] = expected_best(ranked, [gains[source, target] for source in names], 1)
    return Choosing(regret, gain)


def expected_best(ranked: Sequence[float], values: Sequence[float], k: int) -> float:
    """The largest value among the k that are ranked highest, the mean over all orders of equally ranked ones."""
    chosen: list[float] = []
    for rank in sorted(set(ranked), reverse=True):
        tied = sorted((value for value, own in zip(values, ranked, strict=True) if own == rank), reverse=True)
        left = k - len(chosen)
        if left >= len(tied):
            chosen += tied
            continue
        if left:
            floor = max(chosen, default=tied[-1])
            ways = [comb(len(tied) - 1 - place, left - 1) for place in range(len(tied))]
            return sum(way * max(value, floor) for way, value in zip(ways, tied, strict=True)) / comb(len(tied), left)
        break
    return max(chosen)


def _mean(values: Collection[float]) -> float | None:
    return statistics.fmean(values) if values else None
