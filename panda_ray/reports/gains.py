"""Transfer gains: score(method) - score(prompt tuning) of every pair, and what a method gains on the whole grid."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from panda_ray.reports.frame import Aggregate, CellName, Grid
from panda_ray.reports.statistics import Bootstrap, Interval


@dataclass(frozen=True)
class PairGain:
    """One pair's gain in points.

    Attributes:
        by_seed: gain per seed that both cells have.
        keys: (method's unit, prompt tuning's unit) per seed.
        interval: None where predictions are not known.
    """

    method: str
    source: str
    target: str
    by_seed: dict[int, float]
    keys: tuple[tuple[str, str], ...]
    interval: Interval | None

    @property
    def mean(self) -> float:
        return statistics.fmean(self.by_seed.values())


@dataclass(frozen=True)
class MethodGain:
    """A method on the whole grid: gains averaged over the sources of a target, then over the targets.

    Attributes:
        mean: in points.
        std: of the mean gain over seeds; None for a single seed.
        seeds: number of seeds.
        interval: bootstrap interval of `mean`.
        better, worse: pairs whose own interval lies above, below zero.
    """

    method: str
    pairs: tuple[PairGain, ...]
    mean: float
    std: float | None
    seeds: int
    interval: Interval | None

    @property
    def better(self) -> int:
        return sum(pair.interval is not None and pair.interval.low > 0 for pair in self.pairs)

    @property
    def worse(self) -> int:
        return sum(pair.interval is not None and pair.interval.high < 0 for pair in self.pairs)

    @property
    def worst(self) -> PairGain:
        return min(self.pairs, key=lambda pair: pair.mean)

    @property
    def best(self) -> PairGain:
        return max(self.pairs, key=lambda pair: pair.mean)


def pair_gains(grid: Grid, reference: str, method: str, bootstrap: Bootstrap) -> list[PairGain]:
    """Gains of all computed pairs of a method over a reference method.

    Args:
        reference: label of prompt tuning, which has one cell per target, or of a method with one cell per pair.
    """
    gains = []
    for (label, source, target), cell in grid.items():
        other = grid.get((reference, "", target)) or grid.get((reference, source, target))
        if label != method or not source or other is None:
            continue
        gain = _pair_gain((label, source, target), cell, other, bootstrap)
        if gain is not None:
            gains.append(gain)
    return gains


def _pair_gain(name: CellName, cell: Aggregate, other: Aggregate, bootstrap: Bootstrap) -> PairGain | None:
    seeds = sorted(cell.by_seed.keys() & other.by_seed.keys())
    if not seeds:
        return None
    keys = tuple((cell.keys[seed], other.keys[seed]) for seed in seeds)
    by_seed = {seed: cell.by_seed[seed] - other.by_seed[seed] for seed in seeds}
    return PairGain(*name, by_seed, keys, bootstrap.difference([keys]))


def method_gain(method: str, pairs: Sequence[PairGain], bootstrap: Bootstrap) -> MethodGain | None:
    """What a method gains on the grid; None where no pair was computed."""
    if not pairs:
        return None
    by_target: dict[str, list[PairGain]] = {}
    for pair in pairs:
        by_target.setdefault(pair.target, []).append(pair)
    per_seed = _mean_per_seed(by_target)
    return MethodGain(
        method=method,
        pairs=tuple(pairs),
        mean=statistics.fmean(statistics.fmean(pair.mean for pair in group) for group in by_target.values()),
        std=statistics.stdev(per_seed) if len(per_seed) > 1 else None,
        seeds=len({seed for pair in pairs for seed in pair.by_seed}),
        interval=bootstrap.difference([[keys for pair in group for keys in pair.keys] for group in by_target.values()]),
    )


def _mean_per_seed(by_target: dict[str, list[PairGain]]) -> list[float]:
    """The grid's mean gain of every seed that has all of the computed pairs."""
    pairs = [pair for group in by_target.values() for pair in group]
    seeds = set.intersection(*(set(pair.by_seed) for pair in pairs))
    return [
        statistics.fmean(statistics.fmean(pair.by_seed[seed] for pair in group) for group in by_target.values())
        for seed in sorted(seeds)
    ]
