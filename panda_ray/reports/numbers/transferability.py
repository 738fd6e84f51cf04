"""How good a transferability metric is: does it choose well, rank sources as transfer does, know related tasks?

Per target, the Spearman rank correlation over the sources between predicted similarity and what plain prompt transfer
(PoT) really gave there: its score after the first epoch (Sec. IV-E of the paper), and its gain. A task is no source for
itself here: a metric that compares prompts gives such a pair the highest similarity, and the prompt has seen the
target's rows before. A correlation that does not exist (fewer than three sources, or all values equal, as for the
constant metric) is left out, not counted as zero.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from panda_ray.reports.numbers.choosing import Choosing, choosing
from panda_ray.reports.numbers.frame import Grid
from panda_ray.reports.numbers.tables import Ranking
from panda_ray.tasks.measures.numbers import spearman

MIN_SOURCES = 3

_OTHER = "other"
"""The group of tasks whose type no other task has. Heat maps put them side by side, but they are no type of their own:
WiC, CoLA and SST-2 ask for word senses, acceptability and sentiment, three types of Table I."""

Outcome = Mapping[tuple[str, str], float]
"""What transfer gave, by (source, target)."""


@dataclass(frozen=True)
class Correlation:
    """Spearman per target and its mean; `mean` is None where no target has one."""

    by_target: Mapping[str, float]

    @property
    def mean(self) -> float | None:
        return statistics.fmean(self.by_target.values()) if self.by_target else None

    @property
    def n(self) -> int:
        """Targets that the mean is over."""
        return len(self.by_target)


@dataclass(frozen=True)
class Relatedness:
    """Mean similarity of pairs of different tasks of one type and of two types, with the numbers of pairs."""

    within: float | None
    within_n: int
    between: float | None
    between_n: int


@dataclass(frozen=True)
class MetricQuality:
    """One transferability metric on one backbone.

    Attributes:
        first_epoch: with PoT's score after the first epoch, over the other tasks.
        first_epoch_with_self: likewise with the self pairs.
        gain: with PoT's gain over prompt tuning, over the other tasks.
        choosing: what the sources cost that it would choose.
    """

    metric: str
    first_epoch: Correlation
    first_epoch_with_self: Correlation
    gain: Correlation
    relatedness: Relatedness
    choosing: Choosing


def metric_quality(
    metric: str, ranking: Ranking, first_epoch: Outcome, score: Outcome, gain: Outcome, groups: Mapping[str, str]
) -> MetricQuality:
    """All of it for one metric.

    Args:
        ranking: predicted similarity by (source, target), mean over seeds.
        first_epoch, score: PoT's score after the first epoch and in the end, mean over seeds.
        gain: PoT's gain over prompt tuning.
        groups: task to group.
    """
    others = {pair: value for pair, value in ranking.items() if pair[0] != pair[1]}
    return MetricQuality(
        metric=metric,
        first_epoch=correlation(others, first_epoch),
        first_epoch_with_self=correlation(ranking, first_epoch),
        gain=correlation(others, gain),
        relatedness=relatedness(others, groups),
        choosing=choosing(others, score, gain),
    )


def correlation(ranking: Ranking, outcome: Outcome) -> Correlation:
    """Spearman per target over the sources that have both a similarity and an outcome."""
    by_target = {}
    for target in dict.fromkeys(target for _, target in ranking):
        pairs = [pair for pair in ranking if pair[1] == target and pair in outcome]
        value = _spearman([ranking[pair] for pair in pairs], [outcome[pair] for pair in pairs])
        if value is not None:
            by_target[target] = value
    return Correlation(by_target)


def _spearman(predicted: Sequence[float], observed: Sequence[float]) -> float | None:
    if len(predicted) < MIN_SOURCES or len(set(predicted)) == 1 or len(set(observed)) == 1:
        return None
    return spearman(np.array(predicted), np.array(observed))


def relatedness(ranking: Ranking, groups: Mapping[str, str]) -> Relatedness:
    """Mean similarity of same-type and of different-type pairs among the given ones."""
    within = [value for (source, target), value in ranking.items() if _same_type(source, target, groups)]
    between = [value for (source, target), value in ranking.items() if not _same_type(source, target, groups)]
    return Relatedness(
        within=statistics.fmean(within) if within else None,
        within_n=len(within),
        between=statistics.fmean(between) if between else None,
        between_n=len(between),
    )


def pot_scores(grid: Grid, pot: str) -> dict[tuple[str, str], float]:
    """Mean over seeds of PoT's cells in a grid."""
    return {(source, target): cell.mean for (label, source, target), cell in grid.items() if label == pot}


def _same_type(first: str, second: str, groups: Mapping[str, str]) -> bool:
    """Whether two tasks count as a same-type pair, as in Table X."""
    return first == second or (groups[first] == groups[second] and groups[first] != _OTHER)
