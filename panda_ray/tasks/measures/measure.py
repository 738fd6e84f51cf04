"""What a measure is: how well a task's outputs agree with its references.

Shape letters: U units, I items, M statistics per item, R replicates of a bootstrap; X any axes before them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Statistics = NDArray[np.float64]

Counts = NDArray[np.float64]
"""(R, I): how often each replicate drew each item; a row sums to I."""

Resampled = Callable[[Statistics, Counts], Statistics]
"""(U, I, M) numbers and (R, I) counts to (U, R) scores as fractions."""


@dataclass(frozen=True)
class Measure:
    """A score that is a function of per-item numbers, so that a bootstrap resamples rows of `statistics`.

    Attributes:
        statistics: (predictions, references), one JSON value per item each, to (I, M) numbers.
        reduce: (X, I, M) numbers to (X) scores as fractions, usually in [0, 1] (correlations in [-1, 1]).
        resampled: `reduce` of every replicate of every unit, without building the replicates.
        of_item: (X, I, M) numbers to how right each item is, (X, I); the more, the better.
        of_item_title: what that is, for people.
    """

    statistics: Callable[[Sequence[Any], Sequence[Any]], Statistics]
    reduce: Callable[[Statistics], Statistics]
    resampled: Resampled
    of_item: Callable[[Statistics], Statistics]
    of_item_title: str


def first_of_item(statistics_XIM: Statistics) -> Statistics:
    """The first number of each item."""
    return statistics_XIM[..., 0]


def by_sums(of_sums: Callable[[Statistics, int], Statistics]) -> Resampled:
    """Resampling of a score that depends on sums over items alone: one matrix product for all units.

    Args:
        of_sums: (X, M) sums over so many items to (X) scores.
    """

    def resampled(statistics_UIM: Statistics, counts_RI: Counts) -> Statistics:
        units, items, width = statistics_UIM.shape
        statistics_IX = statistics_UIM.transpose(1, 0, 2).reshape(items, units * width)
        sums_RUM = (counts_RI @ statistics_IX).reshape(len(counts_RI), units, width)
        return of_sums(sums_RUM, items).T

    return resampled


def mean_of_first(statistics_XIM: Statistics) -> Statistics:
    """Mean over items of the first number."""
    return np.asarray(statistics_XIM[..., 0].mean(axis=-1))


def first_over_items(sums_XM: Statistics, items: int) -> Statistics:
    """`mean_of_first` from sums."""
    return np.asarray(sums_XM[..., 0] / items)


def ratio(over: Statistics, under: Statistics) -> Statistics:
    """`over / under`, and 0 where that has no value."""
    return np.divide(over, under, out=np.zeros_like(over), where=under != 0)


def f1_of_counts(statistics_XI3: Statistics) -> Statistics:
    """F1 from (true positives, predicted, actual) of each item; 0 where nothing is to be found and nothing is found."""
    return f1_of_sums(statistics_XI3.sum(axis=-2))


def f1_of_sums(sums_X3: Statistics, _items: int = 0) -> Statistics:
    """`f1_of_counts` from sums, whatever the number of items."""
    true, predicted, actual = np.moveaxis(sums_X3, -1, 0)
    return ratio(2 * true, predicted + actual)
