"""From engine outputs to predictions, per-item statistics and the score in percent.

A score is always `reduce(metric, statistics)`, so a bootstrap is `reduce(metric, statistics[sample])`.

Shape letters: U units, E examples, I items, M statistics per item, R samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.errors import unknown_name
from panda_ray.tasks.encoded import EncodedSplit
from panda_ray.tasks.kinds import candidate_ranking, extractive_qa, sentence, tagging
from panda_ray.tasks.measures.answers import ANSWER_F1
from panda_ray.tasks.measures.labels import ACCURACY, F1, MATTHEWS
from panda_ray.tasks.measures.measure import Measure
from panda_ray.tasks.measures.numbers import PEARSON_SPEARMAN_MEAN
from panda_ray.tasks.measures.spans import SPAN_F1
from panda_ray.tasks.task import Kind, TaskSpec

Decoder = Callable[[TaskSpec, EncodedSplit, NDArray[Any]], tuple[Any, ...]]

DECODERS: Mapping[Kind, Decoder] = {
    "classification": sentence.decode_classes,
    "regression": sentence.decode_numbers,
    "multiple_choice": sentence.decode_classes,
    "tagging": tagging.decode,
    "extractive_qa": extractive_qa.decode,
    "candidate_ranking": candidate_ranking.decode,
}

MEASURES: Mapping[str, Measure] = {
    "accuracy": ACCURACY,
    "f1": F1,
    "matthews": MATTHEWS,
    "pearson_spearman_mean": PEARSON_SPEARMAN_MEAN,
    "span_f1": SPAN_F1,
    "squad_f1": ANSWER_F1,
    "record_f1": ANSWER_F1,
}


def decode(spec: TaskSpec, split: EncodedSplit, outputs: NDArray[Any]) -> tuple[Any, ...]:
    """One JSON value per item: a class code, a number, a list of tag names or an answer text.

    Args:
        outputs: classification (E, C) logits; regression (E, 1); multiple choice (E, K) logits; tagging (E, T) tag
            ids; extractive QA (E, 2, T) start and end logits; candidate ranking (E, 2) logits.
    """
    if len(outputs) != split.examples:
        raise ValueError(f"{len(outputs)} outputs for the {split.examples} examples of task {spec.name}")
    return DECODERS[spec.kind](spec, split, outputs)


def statistics(metric: str, values: Sequence[Any], references: Sequence[Any]) -> NDArray[np.float64]:
    """Per item, the numbers that the metric is a function of: float64 (I, M).

    Raises:
        InputError: for an unknown metric.
        ValueError: if predictions and references differ in number.
    """
    if len(values) != len(references):
        raise ValueError(f"{len(values)} predictions for {len(references)} references")
    return _measure(metric).statistics(values, references)


def reduce(metric: str, statistics_IM: NDArray[np.float64]) -> float:
    """The score in percent.

    Raises:
        InputError: for an unknown metric.
        ValueError: for no items at all.
    """
    if not len(statistics_IM):
        raise ValueError(f"the {metric} of no items is undefined")
    return float(100 * _measure(metric).reduce(statistics_IM))


def reduce_samples(
    metric: str, statistics_UIM: NDArray[np.float64], samples_RI: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """The scores (U, R) in percent of R samples of the items, each given by the numbers of its items, for U units.

    Raises:
        InputError: for an unknown metric.
    """
    replicates, items = samples_RI.shape
    places_RI = samples_RI + items * np.arange(replicates)[:, None]
    counts_RI = np.bincount(places_RI.ravel(), minlength=replicates * items).reshape(replicates, items)
    return 100 * _measure(metric).resampled(statistics_UIM, counts_RI.astype(np.float64))


def _measure(metric: str) -> Measure:
    if metric not in MEASURES:
        raise unknown_name("task metric", metric, MEASURES)
    return MEASURES[metric]
