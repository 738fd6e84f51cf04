"""The score in percent under a measure, and its per-item statistics. Free of PyTorch: reports need nothing else.

A score is always `reduce(measure, statistics)`, so a bootstrap is `reduce(measure, statistics[sample])`.

Shape letters: U units, I items, M statistics per item, R samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.errors import unknown_name
from panda_ray.tasks.measures.answers import ANSWER_F1
from panda_ray.tasks.measures.classes import ACCURACY, F1, MATTHEWS
from panda_ray.tasks.measures.measure import Measure
from panda_ray.tasks.measures.numbers import PEARSON_SPEARMAN_MEAN
from panda_ray.tasks.measures.spans import SPAN_F1

MEASURES: Mapping[str, Measure] = {
    "accuracy": ACCURACY,
    "f1": F1,
    "matthews": MATTHEWS,
    "pearson_spearman_mean": PEARSON_SPEARMAN_MEAN,
    "span_f1": SPAN_F1,
    "squad_f1": ANSWER_F1,
    "record_f1": ANSWER_F1,
}


def statistics(measure: str, values: Sequence[Any], references: Sequence[Any]) -> NDArray[np.float64]:
    """Per item, the numbers that the measure is a function of: float64 (I, M).

    Raises:
        InputError: for an unknown measure.
        ValueError: if predictions and references differ in number.
    """
    if len(values) != len(references):
        raise ValueError(f"{len(values)} predictions for {len(references)} references")
    return _named(measure).statistics(values, references)


def reduce(measure: str, statistics_IM: NDArray[np.float64]) -> float:
    """The score in percent.

    Raises:
        InputError: for an unknown measure.
        ValueError: for no items at all.
    """
    if not len(statistics_IM):
        raise ValueError(f"the {measure} of no items is undefined")
    return float(100 * _named(measure).reduce(statistics_IM))


def of_items(measure: str, statistics_IM: NDArray[np.float64]) -> NDArray[np.float64]:
    """How right each item is (I): 1 or 0, an F1, or a distance below zero; the more, the better.

    Raises:
        InputError: for an unknown measure.
    """
    return _named(measure).of_item(statistics_IM)


def of_items_title(measure: str) -> str:
    """What `of_items` is, averaged over seeds, for people.

    Raises:
        InputError: for an unknown measure.
    """
    return _named(measure).of_item_title


def reduce_samples(
    measure: str, statistics_UIM: NDArray[np.float64], samples_RI: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """The scores (U, R) in percent of R samples of the items, each given by the numbers of its items, for U units.

    Raises:
        InputError: for an unknown measure.
    """
    replicates, items = samples_RI.shape
    places_RI = samples_RI + items * np.arange(replicates)[:, None]
    counts_RI = np.bincount(places_RI.ravel(), minlength=replicates * items).reshape(replicates, items)
    return 100 * _named(measure).resampled(statistics_UIM, counts_RI.astype(np.float64))


def _named(measure: str) -> Measure:
    if measure not in MEASURES:
        raise unknown_name("measure", measure, MEASURES)
    return MEASURES[measure]
