"""kNN: whether a row's nearest neighbours have its label, each row left out of its own (leave-one-out).

Near is what has a large cosine. Classes: balanced accuracy of the most frequent label among the k nearest, the nearer
of equals. A regression: the share of the labels' variance that the neighbours' mean explains, at least 0.

Shape letters: X labelled rows or tokens, D hidden size, J neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from panda_ray.metrics.metric import MetricOptions
from panda_ray.metrics.pairs.feature_metric import FeatureMetric, FeatureOptions
from panda_ray.metrics.pairs.pair_metric import is_number

_ROWS_AT_ONCE = 1024


class NeighbourOptions(FeatureOptions):
    """Options of kNN."""

    k: int = Field(default=5, ge=1, le=19)
    """Neighbours."""


class NearestNeighbours(FeatureMetric):
    """Leave-one-out accuracy of the nearest neighbours."""

    name = "knn"
    version = 1
    summary = "whether the target's rows, read with the source's prompt, lie beside rows of their label (kNN)"
    Options: type[MetricOptions] = NeighbourOptions

    def score(self, feature_XD: NDArray[np.float64], label_X: NDArray[Any], options: MetricOptions) -> float:
        assert isinstance(options, NeighbourOptions)
        near_XJ = neighbours(feature_XD, options.k)
        if is_number(label_X):
            unexplained = np.square(label_X - label_X[near_XJ].mean(axis=1)).sum()
            return float(max(0.0, 1 - unexplained / np.square(label_X - label_X.mean()).sum()))
        return _balanced_accuracy(label_X, _votes(label_X[near_XJ]))


def neighbours(feature_XD: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """The k nearest other rows of each row, nearest first: (X, J), fewer where there are not so many."""
    length_X = np.linalg.norm(feature_XD, axis=1, keepdims=True)
    unit_XD = feature_XD / np.maximum(length_X, np.finfo(np.float64).tiny)
    parts = []
    for start in range(0, len(unit_XD), _ROWS_AT_ONCE):
        cosine = unit_XD[start : start + _ROWS_AT_ONCE] @ unit_XD.T
        own = np.arange(len(cosine))
        cosine[own, start + own] = -np.inf
        parts.append(np.argsort(-cosine, axis=1, kind="stable")[:, : min(k, len(unit_XD) - 1)])
    return np.concatenate(parts)


def _votes(label_XJ: NDArray[np.int64]) -> NDArray[np.int64]:
    """The most frequent label of each row's neighbours; of equally frequent ones that of the nearest."""
    count_XJ = (label_XJ[:, :, None] == label_XJ[:, None, :]).sum(axis=2)
    winner_X = count_XJ.argmax(axis=1)
    votes: NDArray[np.int64] = label_XJ[np.arange(len(label_XJ)), winner_X]
    return votes


def _balanced_accuracy(label_X: NDArray[np.int64], vote_X: NDArray[np.int64]) -> float:
    return float(np.mean([(vote_X[label_X == label] == label).mean() for label in np.unique(label_X)]))
