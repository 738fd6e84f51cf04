"""Metrics over class codes: accuracy, binary F1 and Matthews correlation (class 1 is the positive one)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from panda_ray.tasks.measures.measure import Measure, Statistics, f1_of_counts


def _correct(values: Sequence[int], references: Sequence[int]) -> Statistics:
    return np.equal(values, references).astype(np.float64)[:, None]


def _mean(statistics_I1: Statistics) -> float:
    return float(statistics_I1[:, 0].mean())


def _positives(values: Sequence[int], references: Sequence[int]) -> Statistics:
    """Per item: both positive, predicted positive, actually positive."""
    predicted, actual = np.asarray(values) == 1, np.asarray(references) == 1
    return np.stack([predicted & actual, predicted, actual], axis=1).astype(np.float64)


def _f1(statistics_I3: Statistics) -> float:
    return f1_of_counts(statistics_I3.sum(axis=0))


def _matthews(statistics_I3: Statistics) -> float:
    """Phi coefficient of predictions and references; 0 where either has one class only."""
    items = len(statistics_I3)
    both, predicted, actual = statistics_I3.sum(axis=0)
    spread = predicted * (items - predicted) * actual * (items - actual)
    return float((items * both - predicted * actual) / np.sqrt(spread)) if spread else 0.0


ACCURACY = Measure(_correct, _mean)
F1 = Measure(_positives, _f1)
MATTHEWS = Measure(_positives, _matthews)
