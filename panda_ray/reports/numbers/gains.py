"""Transfer gains: score(method) - score(reference) of every transfer, and what a method gains on the whole grid.

A transfer is what a method makes of one entry of the grid: one source or several to one target, over all seeds.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from panda_ray.reports.numbers.averaging import CellSeed, grid_mean
from panda_ray.reports.numbers.frame import Aggregate, CellName, Grid
from panda_ray.reports.numbers.statistics import Bootstrap, Interval

COLLAPSED = 10.0
"""Points below prompt tuning from which a transfer counts as collapsed."""


@dataclass(frozen=True)
class Gain:
    """A mean gain in points, and its bootstrap interval with the same weights; None where predictions are not known."""

    mean: float
    interval: Interval | None


@dataclass(frozen=True)
class TransferGain:
    """One transfer's gain.

    Attributes:
        sources: `a`, or `a+b` for several.
        by_seed: gain per seed that both cells have, in points.
        keys: (method's unit, reference's unit) per seed.
        gain: mean over the seeds.
    """

    method: str
    sources: str
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
        total: mean over the targets of the mean over their transfers of the mean over the seeds of one.
        by_target: likewise for one target each.
        std: of the mean gain over the seeds that have every computed transfer; None for fewer than two.
        better, worse: transfers whose own interval lies above, below zero.
        collapsed: transfers more than 10 points below the reference.
    """

    method: str
    transfers: tuple[TransferGain, ...]
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
        """Seeds of the transfer that has the fewest, and of the one that has the most."""
        counts = [len(transfer.by_seed) for transfer in self.transfers]
        return min(counts), max(counts)

    @property
    def better(self) -> int:
        return sum(transfer.interval is not None and transfer.interval.low > 0 for transfer in self.transfers)

    @property
    def worse(self) -> int:
        return sum(transfer.interval is not None and transfer.interval.high < 0 for transfer in self.transfers)

    @property
    def collapsed(self) -> int:
        return sum(transfer.mean < -COLLAPSED for transfer in self.transfers)

    @property
    def worst(self) -> TransferGain:
        return min(self.transfers, key=lambda transfer: transfer.mean)

    @property
    def best(self) -> TransferGain:
        return max(self.transfers, key=lambda transfer: transfer.mean)


def transfer_gains(grid: Grid, reference: str, method: str, bootstrap: Bootstrap) -> list[TransferGain]:
    """Gains of all transfers of a method that can be compared; one whose reference was not computed is left out.

    Args:
        reference: label of prompt tuning, with one cell per target, or of a method with cells of the same sources.
    """
    gains = []
    for (label, sources, target), cell in grid.items():
        other = grid.get((reference, "", target)) or grid.get((reference, sources, target))
        if label != method or not sources or other is None:
            continue
        gain = _transfer_gain((label, sources, target), cell, other, bootstrap)
        if gain is not None:
            gains.append(gain)
    return gains


def _transfer_gain(name: CellName, cell: Aggregate, other: Aggregate, bootstrap: Bootstrap) -> TransferGain | None:
    seeds = sorted(cell.by_seed.keys() & other.by_seed.keys())
    if not seeds:
        return None
    _, sources, target = name
    by_seed = {seed: cell.by_seed[seed] - other.by_seed[seed] for seed in seeds}
    keys = {seed: (cell.keys[seed], other.keys[seed]) for seed in seeds}
    compared = {(target, sources, seed): units for seed, units in keys.items()}
    return TransferGain(*name, by_seed, keys, Gain(statistics.fmean(by_seed.values()), bootstrap.difference(compared)))


def method_gain(method: str, transfers: Sequence[TransferGain], bootstrap: Bootstrap) -> MethodGain | None:
    """What a method gains on the grid; None where no transfer was computed."""
    if not transfers:
        return None
    targets = dict.fromkeys(transfer.target for transfer in transfers)
    return MethodGain(
        method=method,
        transfers=tuple(transfers),
        total=_mean_gain(transfers, bootstrap),
        by_target={
            target: _mean_gain([transfer for transfer in transfers if transfer.target == target], bootstrap)
            for target in targets
        },
        std=_deviation_over_seeds(transfers),
    )


def _mean_gain(transfers: Sequence[TransferGain], bootstrap: Bootstrap) -> Gain:
    gains: dict[CellSeed, float] = {}
    keys: dict[CellSeed, tuple[str, str]] = {}
    for transfer in transfers:
        gains |= {(transfer.target, transfer.sources, seed): gain for seed, gain in transfer.by_seed.items()}
        keys |= {(transfer.target, transfer.sources, seed): compared for seed, compared in transfer.keys.items()}
    return Gain(grid_mean(gains), bootstrap.difference(keys))


def _deviation_over_seeds(transfers: Sequence[TransferGain]) -> float | None:
    common = sorted(set.intersection(*(set(transfer.by_seed) for transfer in transfers)))
    by_seed = [
        grid_mean({(transfer.target, transfer.sources, seed): transfer.by_seed[seed] for transfer in transfers})
        for seed in common
    ]
    return statistics.stdev(by_seed) if len(by_seed) > 1 else None
