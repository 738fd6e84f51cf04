"""Transfer gains: score(method) - score(reference) of every pair, and what a method gains on the whole grid."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from panda_ray.reports.numbers.averaging import CellSeed, grid_mean
from panda_ray.reports.numbers.frame import Aggregate, CellName, Grid
from panda_ray.reports.numbers.statistics import Bootstrap, Interval


@dataclass(frozen=True)
class Gain:
    """A mean gain in points, and its bootstrap interval with the same weights; None where predictions are not known."""

    mean: float
    interval: Interval | None


@dataclass(frozen=True)
class PairGain:
    """One pair's gain.

    Attributes:
        by_seed: gain per seed that both cells have, in points.
        keys: (method's unit, reference's unit) per seed.
        gain: mean over the seeds.
    """

    method: str
    source: str
    target: str
    by_seed: Mapping[int, float]
    keys: Mapping[int, tuple[str, str]]
    gain: Gain

    @property
    def mean(self) -> float:
        return self.gain.mean

    @property
    def interval(self) -> Interval | None:
        return self.gain.interval


@dataclass(frozen=True)
class MethodGain:
    """A method on the whole grid.

    Attributes:
        total: mean over the targets of the mean over their sources of the mean over the pair's seeds.
        by_target: likewise for one target each.
        std: of the mean gain over the seeds that have every computed pair; None for fewer than two.
        better, worse: pairs whose own interval lies above, below zero.
    """

    method: str
    pairs: tuple[PairGain, ...]
    total: Gain
    by_target: Mapping[str, Gain]
    std: float | None

    @property
    def mean(self) -> float:
        return self.total.mean

    @property
    def interval(self) -> Interval | None:
        return self.total.interval

    @property
    def seeds(self) -> tuple[int, int]:
        """Seeds of the pair that has the fewest, and of the one that has the most."""
        counts = [len(pair.by_seed) for pair in self.pairs]
        return min(counts), max(counts)

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
    """Gains of all pairs of a method that can be compared; one whose reference was not computed is left out.

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
    _, source, target = name
    by_seed = {seed: cell.by_seed[seed] - other.by_seed[seed] for seed in seeds}
    keys = {seed: (cell.keys[seed], other.keys[seed]) for seed in seeds}
    compared = {(target, source, seed): pair for seed, pair in keys.items()}
    return PairGain(*name, by_seed, keys, Gain(statistics.fmean(by_seed.values()), bootstrap.difference(compared)))


def method_gain(method: str, pairs: Sequence[PairGain], bootstrap: Bootstrap) -> MethodGain | None:
    """What a method gains on the grid; None where no pair was computed."""
    if not pairs:
        return None
    targets = dict.fromkeys(pair.target for pair in pairs)
    return MethodGain(
        method=method,
        pairs=tuple(pairs),
        total=_mean_gain(pairs, bootstrap),
        by_target={
            target: _mean_gain([pair for pair in pairs if pair.target == target], bootstrap) for target in targets
        },
        std=_deviation_over_seeds(pairs),
    )


def _mean_gain(pairs: Sequence[PairGain], bootstrap: Bootstrap) -> Gain:
    gains: dict[CellSeed, float] = {}
    keys: dict[CellSeed, tuple[str, str]] = {}
    for pair in pairs:
        gains |= {(pair.target, pair.source, seed): gain for seed, gain in pair.by_seed.items()}
        keys |= {(pair.target, pair.source, seed): compared for seed, compared in pair.keys.items()}
    return Gain(grid_mean(gains), bootstrap.difference(keys))


def _deviation_over_seeds(pairs: Sequence[PairGain]) -> float | None:
    common = sorted(set.intersection(*(set(pair.by_seed) for pair in pairs)))
    by_seed = [grid_mean({(pair.target, pair.source, seed): pair.by_seed[seed] for pair in pairs}) for seed in common]
    return statistics.stdev(by_seed) if len(by_seed) > 1 else None
