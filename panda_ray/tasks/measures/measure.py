"""What a task metric is.

Shape letters: I items, M statistics per item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Statistics = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A score that is a function of per-item numbers, so that a bootstrap resamples rows of `statistics`.

    Attributes:
        statistics: (predictions, references), one JSON value per item each, to (I, M) numbers.
        reduce: (I, M) numbers to the score as a fraction, usually in [0, 1] (correlations in [-1, 1]).
    """

    statistics: Callable[[Sequence[Any], Sequence[Any]], Statistics]
    reduce: Callable[[Statistics], float]


def f1_of_counts(counts_3: Statistics) -> float:
    """F1 from summed (true positives, predicted, actual); 0 where there is nothing to find and nothing found."""
    true, predicted, actual = counts_3
    return float(2 * true / (predicted + actual)) if predicted + actual else 0.0
