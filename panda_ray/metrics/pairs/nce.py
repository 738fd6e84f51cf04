"""NCE (Tran et al. 2019): the negative conditional entropy of the target's labels, given the source's.

A row's label of the source is the one that the source's head finds likeliest. NCE = -H(Y | Z) of the table of both.

Shape letters: X labelled rows or tokens, C labels of the source, Y labels of the target.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from panda_ray.metrics.pairs.head_metric import HeadMetric


class NCE(HeadMetric):
    """Share of the labels' entropy that hard labels of the source explain."""

    name = "nce"
    version = 1
    summary = "how well the likeliest label of the source's head tells the labels of the target's rows (NCE)"

    def log_likelihood(self, share_XC: NDArray[np.float64], label_XY: NDArray[np.float64]) -> float:
        said_X = share_XC.argmax(axis=1)
        said_XC = (said_X[:, None] == np.unique(said_X)).astype(np.float64)
        joint_CY = said_XC.T @ label_XY / len(said_X)
        given_CY = joint_CY / joint_CY.sum(axis=1, keepdims=True)
        there_CY = joint_CY > 0
        return float(np.sum(joint_CY[there_CY] * np.log(given_CY[there_CY])))
