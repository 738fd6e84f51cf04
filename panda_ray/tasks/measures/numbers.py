"""The measure of STS-B: mean of Pearson and Spearman correlation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from panda_ray.tasks.measures.measure import Measure, Statistics
from panda_ray.tasks.measures.rank_resampling import resampled_correlations


def _pairs(values: Sequence[float], references: Sequence[float]) -> Statistics:
    return np.stack([np.asarray(values, dtype=np.float64), np.asarray(references, dtype=np.float64)], axis=1)


def _ranks(values_I: Statistics) -> Statistics:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place_I, counts = np.unique(values_I, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place_I]


def _correlation(first: Statistics, second: Statistics) -> float:
    """Pearson correlation; 0 where one side is constant, as a constant prediction ranks nothing."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:  # the mean of equal numbers need not be that number
        return 0.0
    first, second = first - first.mean(), second - second.mean()
    norm = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / norm) if norm else 0.0


def spearman(first_I: Statistics, second_I: Statistics) -> float:
    """Rank correlation; 0 where one side is constant."""
    return _correlation(_ranks(first_I), _ranks(second_I))


def _pearson_spearman_mean(statistics_XI2: Statistics) -> Statistics:
    scores = [
        (_correlation(first_I, second_I) + spearman(first_I, second_I)) / 2
        for first_I, second_I in (pairs_I2.T for pairs_I2 in _flat(statistics_XI2))
    ]
    return np.array(scores).reshape(statistics_XI2.shape[:-2])


def _flat(statistics_XI2: Statistics) -> Statistics:
    """One leading axis."""
    return statistics_XI2.reshape(-1, *statistics_XI2.shape[-2:])


def _nearness(statistics_XI2: Statistics) -> Statistics:
    return -np.abs(statistics_XI2[..., 0] - statistics_XI2[..., 1])


PEARSON_SPEARMAN_MEAN = Measure(
    _pairs, _pearson_spearman_mean, resampled_correlations, _nearness, "its distance from the truth, negative"
)
