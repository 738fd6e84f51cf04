"""The metric of STS-B: mean of Pearson and Spearman correlation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from panda_ray.tasks.measures.measure import Measure, Statistics
from panda_ray.tasks.measures.rank_resampling import resampled_correlations


def _pairs(values: Sequence[float], references: Sequence[float]) -> Statistics:
    return np.stack([np.asarray(values, dtype=np.float64), np.asarray(references, dtype=np.float64)], axis=1)


def _correlation(first: Statistics, second: Statistics) -> float:
    """Pearson correlation; 0 where one side is constant, as a constant prediction ranks nothing."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:  # the mean of equal numbers need not be that number
        return 0.0
    first, second = first - first.mean(), second - second.mean()
    norm = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / norm) if norm else 0.0


def _pearson_spearman_mean(statistics_XI2: Statistics) -> Statistics:
    from scipy.stats import rankdata  # half a second, which only tasks with this measure should wait for

    ranks_XI2 = rankdata(statistics_XI2, axis=-2)
    scores = [
        (_correlation(*pairs_I2.T) + _correlation(*ranks_I2.T)) / 2
        for pairs_I2, ranks_I2 in zip(_flat(statistics_XI2), _flat(ranks_XI2), strict=True)
    ]
    return np.array(scores).reshape(statistics_XI2.shape[:-2])


def _flat(statistics_XI2: Statistics) -> Statistics:
    """One leading axis."""
    return statistics_XI2.reshape(-1, *statistics_XI2.shape[-2:])


PEARSON_SPEARMAN_MEAN = Measure(_pairs, _pearson_spearman_mean, resampled_correlations)
