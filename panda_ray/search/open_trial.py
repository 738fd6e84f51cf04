"""A trial on its way to its end: what its units, one per seed, have given so far."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from panda_ray.search.trials import Trial

Scores = Mapping[int, float]
"""The score that the protocol selects by, by epoch."""


@dataclass(eq=False)
class OpenTrial:
    """A trial whose units have not all ended.

    Attributes:
        keys: of its units, one per seed.
        scores: per unit, as far as it was trained.
        done: units with a result.
        heard: the last epoch that the pruner was told of.
        followers: trials of the same point, told what this one gives.
        ended: its end was told, although units of it may be trained still.
    """

    trial: Trial
    keys: tuple[str, ...]
    scores: dict[str, dict[int, float]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    heard: int = 0
    followers: list[Trial] = field(default_factory=list)
    ended: bool = False

    def means(self) -> Iterator[tuple[int, float]]:
        """Epochs that the pruner has not heard of, and the mean of all seeds."""
        found = [self.scores.get(key, {}) for key in self.keys]
        for epoch in sorted(set(found[0]).intersection(*found[1:])):
            if epoch > self.heard:
                yield epoch, statistics.fmean(scores[epoch] for scores in found)

    @property
    def value(self) -> float:
        """Mean over the seeds of each one's best epoch."""
        return statistics.fmean(max(self.scores[key].values()) for key in self.keys)
