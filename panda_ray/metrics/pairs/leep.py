"""LEEP (Nguyen et al. 2020): the log expected empirical prediction of the target's labels from the source's.

P(y | z) is estimated from the probabilities theta(x) that the source's head gives to its labels z, each row counting
for z as much as it is z; LEEP is the mean over rows of log sum_z P(y | z) theta(x)_z.

It is at least -H(Y), so that the scale's 0 is reached and not passed: P(y | z) is one step of expectation maximisation
for this very likelihood from P(y | z) = P(y), and no step lowers it.

Shape letters: X labelled rows or tokens, C labels of the source, Y labels of the target.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from panda_ray.metrics.pairs.head_metric import HeadMetric

_TINY = np.finfo(np.float64).tiny


class LEEP(HeadMetric):
    """Share of the labels' entropy that soft labels of the source explain."""

    name = "leep"
    version = 1
    summary = "how well the probabilities of the source's head tell the labels of the target's rows (LEEP)"

    def log_likelihood(self, share_XC: NDArray[np.float64], label_XY: NDArray[np.float64]) -> float:
        joint_CY = share_XC.T @ label_XY
        given_CY = joint_CY / np.maximum(joint_CY.sum(axis=1, keepdims=True), _TINY)
        expected_X = np.sum(share_XC @ given_CY * label_XY, axis=1)
        return float(np.mean(np.log(np.maximum(expected_X, _TINY))))
