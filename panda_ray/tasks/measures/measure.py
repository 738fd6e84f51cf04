"""What a task metric is.

Shape letters: I items, M statistics per item; X any axes before them, such as the replicates of a bootstrap.
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
        reduce: (X, I, M) numbers to (X) scores as fractions, usually in [0, 1] (correlations in [-1, 1]).
    """

    statistics: Callable[[Sequence[Any], Sequence[Any]], Statistics]
    reduce: Callable[[Statistics], Statistics]


def mean_of_first(statistics_XIM: Statistics) -> Statistics:
    """Mean over items of the first number."""
    return np.asarray(statistics_XIM[..., 0].mean(axis=-1))


def ratio(over: Statistics, under: Statistics) -> Statistics:
    """`over / under`, and 0 where that has no value."""
    return np.divide(over, under, out=np.zeros_like(over), where=under != 0)


def f1_of_counts(statistics_XI3: Statistics) -> Statistics:
    """F1 from (true positives, predicted, actual) of each item; 0 where nothing is to be found and nothing is found."""
    true, predicted, actual = np.moveaxis(statistics_XI3.sum(axis=-2), -1, 0)
    return ratio(2 * true, predicted + actual)
