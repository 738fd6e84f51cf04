"""LogME (You et al. 2021): the evidence of a Bayesian linear model of the labels on the features.

A label (one-hot for classes, each class on its own) is y = F w + noise, w ~ N(0, 1/alpha), noise ~ N(0, 1/beta). LogME
is max over alpha and beta of log p(y | F) / X, the mean over classes: how well a linear head would tell labels, what
it takes to fit one already paid for. It is found by the fixed point of MacKay, on the features' singular values.

Scaling: LogME has no bounds. Of the gain over the model without features (w = 0), here is what Cox and Snell make of a
gain in likelihood, 1 - exp(-2 (LogME - LogME_0)), in [0, 1). It keeps the order of a target's sources.

Shape letters: X labelled rows or tokens, D hidden size, C columns of labels, Z singular values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.metrics.metric import MetricOptions
from panda_ray.metrics.pairs.feature_metric import FeatureMetric
from panda_ray.metrics.pairs.pair_metric import is_number

_ITERATIONS = 100
_CONVERGED = 1e-6
_TINY = 1e-12


class LogME(FeatureMetric):
    """Linear evidence of the target's labels, by Cox and Snell's scale."""

    name = "logme"
    version = 1
    summary = "evidence of a linear head on the target's rows, read with the source's prompt (LogME, You et al.)"

    def score(self, feature_XD: NDArray[np.float64], label_X: NDArray[Any], options: MetricOptions) -> float:
        column_XC = label_columns(label_X)
        gain = float(np.mean(log_evidences(feature_XD, column_XC) - without_features(column_XC)))
        return float(-np.expm1(-2 * max(gain, 0.0)))


def label_columns(label_X: NDArray[Any]) -> NDArray[np.float64]:
    """Labels as numbers (X, C): one-hot classes, those that occur; or the standardised values of a regression."""
    if is_number(label_X):
        values_X = label_X.astype(np.float64)
        column_XC: NDArray[np.float64] = ((values_X - values_X.mean()) / values_X.std())[:, None]
    else:
        column_XC = (label_X[:, None] == np.unique(label_X)).astype(np.float64)
    return column_XC


def without_features(column_XC: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log evidence per row and column (C,) where the features say nothing: noise around 0 alone."""
    evidence_C: NDArray[np.float64] = -0.5 * (np.log(2 * np.pi * np.square(column_XC).mean(axis=0)) + 1)
    return evidence_C


def log_evidences(feature_XD: NDArray[np.float64], column_XC: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest log evidence per row, of each column of labels (C,)."""
    left_XZ, singular_Z, _ = np.linalg.svd(feature_XD, full_matrices=False)
    return np.array([_log_evidence(left_XZ.T @ y_X, singular_Z**2, y_X @ y_X, len(y_X)) for y_X in column_XC.T])


def _log_evidence(projected_Z: NDArray[np.float64], power_Z: NDArray[np.float64], norm: float, rows: int) -> float:
    """Of one column: its projections on the left singular vectors, squared singular values, and its squared length."""
    inside_Z = np.square(projected_Z)
    outside = max(norm - inside_Z.sum(), 0.0)
    alpha, beta = 1.0, 1.0
    for _ in range(_ITERATIONS):
        ratio_Z = beta * power_Z / (alpha + beta * power_Z)
        effective = ratio_Z.sum()
        weights = max((ratio_Z**2 * inside_Z / np.maximum(power_Z, _TINY)).sum(), _TINY)
        residual = max(((1 - ratio_Z) ** 2 * inside_Z).sum() + outside, _TINY)
        before, alpha, beta = beta / alpha, effective / weights, (rows - effective) / residual
        if abs(beta / alpha - before) <= _CONVERGED * before:
            break
    # The determinant of alpha + beta F^T F has a factor alpha for each dimension that F does not span: they cancel.
    determinant = np.log1p(beta / alpha * power_Z).sum()
    exponent = beta * residual + alpha * weights
    return float(0.5 * (rows * np.log(beta / (2 * np.pi)) - determinant - exponent) / rows)
