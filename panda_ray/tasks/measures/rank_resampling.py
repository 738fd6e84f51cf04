"""Mean of Pearson and Spearman correlation on many samples of the same items, without sorting any sample.

A sample is a count per item. With the items sorted once by a unit's predictions, the rank of an item in a sample is a
running sum of counts: drawn copies are ties, whose rank is the mean of the places that they take.

Shape letters: U units, I items, R replicates, G distinct values of a unit, in ascending order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panda_ray.tasks.measures.measure import Counts, Statistics

_COLUMNS = 256
"""Replicates that are ranked at a time, so that what is worked on stays in the processor's cache."""

_CONSTANT = 1e-12
"""Share of its size below which a variance that is made of sums is rounding noise of none."""

_Counts32 = NDArray[np.float32]
"""Small whole numbers, which float32 holds exactly."""


def resampled_correlations(statistics_UI2: Statistics, counts_RI: Counts) -> Statistics:
    """(U, R): the mean of both correlations of each unit's predictions with its references in each sample."""
    scores_UR = np.empty((len(statistics_UI2), len(counts_RI)))
    for chosen, reference_I in _by_reference(statistics_UI2):
        predictions_UI = statistics_UI2[chosen, :, 0]
        pearson_UR = _pearson(predictions_UI, reference_I, counts_RI)
        scores_UR[chosen] = (pearson_UR + _spearman(predictions_UI, reference_I, counts_RI)) / 2
    return scores_UR


def _by_reference(statistics_UI2: Statistics) -> Iterator[tuple[list[int], NDArray[np.float64]]]:
    """Units that share their references, as all units of a task do."""
    groups: dict[bytes, list[int]] = {}
    for unit, statistics_I2 in enumerate(statistics_UI2):
        groups.setdefault(statistics_I2[:, 1].tobytes(), []).append(unit)
    for chosen in groups.values():
        yield chosen, statistics_UI2[chosen[0], :, 1]


def _pearson(predictions_UI: Statistics, reference_I: Statistics, counts_RI: Counts) -> Statistics:
    """From sums of values, squares and products; the values are centred first, which keeps the sums small."""
    items = len(reference_I)
    x_UI = predictions_UI - predictions_UI.mean(axis=1, keepdims=True)
    y_I = reference_I - reference_I.mean()
    x_UR, xx_UR, xy_UR = (x @ counts_RI.T for x in (x_UI, x_UI**2, x_UI * y_I))
    y_R, yy_R = counts_RI @ y_I, counts_RI @ y_I**2
    variance_UR = _variance(x_UR, xx_UR, items) * _variance(y_R, yy_R, items)
    return _correlation(xy_UR - x_UR * y_R / items, variance_UR)


def _variance(sums: Statistics, squares: Statistics, items: int) -> Statistics:
    variance = squares - sums**2 / items
    return np.where(variance > _CONSTANT * squares, variance, 0.0)


def _correlation(covariance: Statistics, variance: Statistics) -> Statistics:
    """0 where one side is constant, as a constant prediction ranks nothing."""
    return np.divide(covariance, np.sqrt(variance), out=np.zeros_like(covariance), where=variance > 0)


@dataclass(frozen=True)
class _Sorted:
    """Items in ascending order of some values.

    Attributes:
        starts_G: where each distinct value starts.
    """

    order_I: NDArray[np.intp]
    starts_G: NDArray[np.intp]

    @classmethod
    def by(cls, values_I: NDArray[np.float64]) -> _Sorted:
        order_I = np.argsort(values_I, kind="stable")
        ascending_I = values_I[order_I]
        return cls(order_I, np.flatnonzero(np.r_[True, ascending_I[1:] != ascending_I[:-1]]))

    def sums(self, numbers_IR: _Counts32) -> _Counts32:
        """(G, R): per distinct value, the sum over its items."""
        sorted_IR = numbers_IR[self.order_I]
        if len(self.starts_G) == len(self.order_I):
            return sorted_IR
        return np.add.reduceat(sorted_IR, self.starts_G, axis=0)

    def spread(self, numbers_GR: _Counts32) -> _Counts32:
        """(I, R): per item, the number of its value."""
        sizes_G = np.diff(np.r_[self.starts_G, len(self.order_I)])
        numbers_IR = np.empty((len(self.order_I), numbers_GR.shape[1]), dtype=numbers_GR.dtype)
        numbers_IR[self.order_I] = np.repeat(numbers_GR, sizes_G, axis=0)
        return numbers_IR


def _spearman(predictions_UI: Statistics, reference_I: Statistics, counts_RI: Counts) -> Statistics:
    sorts = [_Sorted.by(predictions_I) for predictions_I in predictions_UI]
    reference = _Sorted.by(reference_I)
    items = len(reference_I)
    found_UR = np.empty((len(sorts), len(counts_RI)))
    for first in range(0, len(counts_RI), _COLUMNS):
        counts_IR = np.ascontiguousarray(counts_RI[first : first + _COLUMNS].T, dtype=np.float32)
        drawn_GR = reference.sums(counts_IR)
        weight_IR = counts_IR * reference.spread(_twice_centred_ranks(drawn_GR, items))
        spread_R = _rank_variance(drawn_GR, items)
        untied_R = _rank_variance(counts_IR, items)
        for unit, by_prediction in enumerate(sorts):
            drawn_GR = by_prediction.sums(counts_IR)
            has_ties = len(drawn_GR) < len(counts_IR)
            variance_R = _rank_variance(drawn_GR, items) if has_ties else untied_R
            covariance_R = _sum_of_products(_twice_centred_ranks(drawn_GR, items), by_prediction.sums(weight_IR))
            found_UR[unit, first : first + _COLUMNS] = _correlation(covariance_R, variance_R * spread_R)
    return found_UR


def _twice_centred_ranks(drawn_GR: _Counts32, items: int) -> _Counts32:
    """2 * (rank - mean rank) of every distinct value: copies before it minus copies behind it."""
    ranks_GR = _running_sums(drawn_GR)
    ranks_GR *= 2
    ranks_GR -= drawn_GR
    ranks_GR -= items
    return ranks_GR


def _running_sums(numbers_GR: _Counts32) -> _Counts32:
    """Cumulative sums down the rows, in blocks: NumPy's own go through the columns one number at a time."""
    rows, columns = numbers_GR.shape
    block = max(1, int(np.sqrt(rows)))
    blocks = -(-rows // block)
    sums = np.zeros((blocks * block, columns), dtype=numbers_GR.dtype)
    sums[:rows] = numbers_GR
    sums_by_block = sums.reshape(blocks, block, columns)
    for row in range(1, block):
        sums_by_block[:, row] += sums_by_block[:, row - 1]
    for index in range(1, blocks):
        sums_by_block[index] += sums_by_block[index - 1, -1]
    return sums[:rows]


def _rank_variance(drawn_GR: _Counts32, items: int) -> Statistics:
    """Sum over the drawn copies of their squared `_twice_centred_ranks`: (I^3 - sum of cubed ties) / 3."""
    return np.asarray((items**3 - (drawn_GR.astype(np.float64) ** 3).sum(axis=0)) / 3)


def _sum_of_products(first_GR: _Counts32, second_GR: _Counts32) -> Statistics:
    return np.asarray(np.einsum("gr,gr->r", first_GR, second_GR), dtype=np.float64)
