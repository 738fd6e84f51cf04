"""H-score with shrinkage (Ibrahim et al. 2022): how much of the features' variance lies between the classes.

H = trace(Sigma_f^-1 Sigma_z), with the covariance of the features and that of the mean features of each row's class.
With few rows Sigma_f cannot be inverted, so it is shrunk towards the identity by the intensity a of Ledoit and Wolf:
H_a = trace(((1 - a) Sigma_f + a sigma I)^-1 (1 - a) Sigma_z). A regression has no classes; its labels are cut at their
deciles.

Scaling: H is at most the number of classes less one (or D, if that is less), by which it is divided.

Shape letters: X labelled rows or tokens, D hidden size, C classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.metrics.metric import MetricOptions
from panda_ray.metrics.pairs.feature_metric import FeatureMetric
from panda_ray.metrics.pairs.pair_metric import is_number

_BINS = 10


class HScore(FeatureMetric):
    """Variance between classes against variance, by the number of classes."""

    name = "h_score"
    version = 1
    summary = "share of variance between the labels of the target's rows, read with the source's prompt (H-score)"

    def score(self, feature_XD: NDArray[np.float64], label_X: NDArray[Any], options: MetricOptions) -> float:
        class_X = deciles(label_X) if is_number(label_X) else label_X
        most = min(len(np.unique(class_X)) - 1, feature_XD.shape[1])
        return h_score(feature_XD, class_X) / most if most else 0.0


def deciles(label_X: NDArray[Any]) -> NDArray[np.int64]:
    """Labels of a regression as classes of nearly equal size; fewer than ten where values repeat."""
    inner = np.quantile(label_X, np.linspace(0, 1, _BINS + 1)[1:-1])
    classes: NDArray[np.int64] = np.searchsorted(np.unique(inner), label_X, side="right")
    return classes


def h_score(feature_XD: NDArray[np.float64], class_X: NDArray[np.int64]) -> float:
    """H_a, unscaled."""
    centred_XD = feature_XD - feature_XD.mean(axis=0)
    rows, size = centred_XD.shape
    covariance_DD = centred_XD.T @ centred_XD / rows
    variance = float(np.trace(covariance_DD)) / size
    if variance == 0:
        return 0.0
    intensity = _ledoit_wolf(centred_XD, covariance_DD, variance)
    names, member_X = np.unique(class_X, return_inverse=True)
    count_C = np.bincount(member_X)
    mean_CD = np.stack([centred_XD[member_X == index].mean(axis=0) for index in range(len(names))])
    between_CD = mean_CD * np.sqrt(count_C / rows)[:, None]
    shrunk_DD = (1 - intensity) * covariance_DD + intensity * variance * np.eye(size)
    solved_DC = np.linalg.lstsq(shrunk_DD, between_CD.T, rcond=None)[0]
    return float((1 - intensity) * np.sum(between_CD.T * solved_DC))


def _ledoit_wolf(centred_XD: NDArray[np.float64], covariance_DD: NDArray[np.float64], variance: float) -> float:
    """Intensity of the shrinkage towards `variance` times the identity (Ledoit and Wolf 2004), in [0, 1]."""
    rows, size = centred_XD.shape
    distance = np.square(covariance_DD - variance * np.eye(size)).sum()
    scatter = (np.square(np.square(centred_XD).sum(axis=1)).sum() / rows - np.square(covariance_DD).sum()) / rows
    return float(np.clip(scatter / distance, 0.0, 1.0)) if distance > 0 else 1.0
