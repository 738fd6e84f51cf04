"""Measures over class codes: accuracy, binary F1 and Matthews correlation (class 1 is the positive one)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from panda_ray.tasks.measures.measure import (
    Measure,
    Statistics,
    by_sums,
    f1_of_counts,
    f1_of_sums,
    first_of_item,
    first_over_items,
    mean_of_first,
    ratio,
)


def _correct(values: Sequence[int], references: Sequence[int]) -> Statistics:
    return np.equal(values, references).astype(np.float64)[:, None]


def _positives(values: Sequence[int], references: Sequence[int]) -> Statistics:
    """Per item: both positive, predicted positive, actually positive."""
    predicted, actual = np.asarray(values) == 1, np.asarray(references) == 1
    return np.stack([predicted & actual, predicted, actual], axis=1).astype(np.float64)


def _matthews(statistics_XI3: Statistics) -> Statistics:
    """Phi coefficient of predictions and references; 0 where either has one class only."""
    return _matthews_of_sums(statistics_XI3.sum(axis=-2), statistics_XI3.shape[-2])


def _matthews_of_sums(sums_X3: Statistics, items: int) -> Statistics:
    both, predicted, actual = np.moveaxis(sums_X3, -1, 0)
    spread = predicted * (items - predicted) * actual * (items - actual)
    return ratio(items * both - predicted * actual, np.sqrt(spread))


def _is_right(statistics_XI3: Statistics) -> Statistics:
    """1 where an item is predicted positive and is, or is neither."""
    return np.equal(statistics_XI3[..., 1], statistics_XI3[..., 2]).astype(np.float64)


_RIGHT = "share of the seeds in which it is right"

ACCURACY = Measure(_correct, mean_of_first, by_sums(first_over_items), first_of_item, _RIGHT)
F1 = Measure(_positives, f1_of_counts, by_sums(f1_of_sums), _is_right, _RIGHT)
MATTHEWS = Measure(_positives, _matthews, by_sums(_matthews_of_sums), _is_right, _RIGHT)
