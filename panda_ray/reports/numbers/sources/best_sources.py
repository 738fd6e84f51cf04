"""The best source of each target among those that were trained, and whether it is clearly ahead of the next.

The best of many scores is chosen on the scores themselves, so its gain is too high by what was luck.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from panda_ray.reports.numbers.gains import Gain, MethodGain, TransferGain
from panda_ray.reports.numbers.statistics import Bootstrap


@dataclass(frozen=True)
class BestSource:
    """The transfer with the highest mean gain over prompt tuning on a target.

    Attributes:
        best: a task is no source for itself.
        of: transfers to the target that were compared.
        runner_up: the next best one, and `lead` how far it lies behind over the seeds that both have; None without one.
    """

    target: str
    best: TransferGain
    of: int
    runner_up: TransferGain | None
    lead: Gain | None

    @property
    def helps(self) -> bool:
        """Whether the best source gains anything; not whether that is certain."""
        return self.best.mean > 0


def best_sources(gains: Iterable[MethodGain], targets: Iterable[str], bootstrap: Bootstrap) -> list[BestSource]:
    """One per target with a finished transfer, in the order of the targets."""
    by_target: dict[str, list[TransferGain]] = defaultdict(list)
    for gain in gains:
        for transfer in gain.transfers:
            if transfer.sources != transfer.target:
                by_target[transfer.target].append(transfer)
    return [_best(target, by_target[target], bootstrap) for target in targets if target in by_target]


def _best(target: str, transfers: list[TransferGain], bootstrap: Bootstrap) -> BestSource:
    best, *others = sorted(transfers, key=lambda transfer: -transfer.mean)
    runner_up = others[0] if others else None
    lead = _lead(best, runner_up, bootstrap) if runner_up else None
    return BestSource(target, best, len(transfers), runner_up, lead)


def _lead(best: TransferGain, other: TransferGain, bootstrap: Bootstrap) -> Gain | None:
    seeds = sorted(best.by_seed.keys() & other.by_seed.keys())
    if not seeds:
        return None
    mean = statistics.fmean(best.by_seed[seed] - other.by_seed[seed] for seed in seeds)
    keys = {(best.target, best.sources, seed): (best.keys[seed][0], other.keys[seed][0]) for seed in seeds}
    return Gain(mean, bootstrap.difference(keys))
