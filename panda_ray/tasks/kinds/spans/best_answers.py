"""The answer that start and end logits mean: over all windows of a question and all spans of each.

Shape letters: E examples (windows), I items (questions), T tokens, A = `MAX_ANSWER_TOKENS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from panda_ray.tasks.encoded import EncodedSplit

MAX_ANSWER_TOKENS = 30


def best_answers(split: EncodedSplit, outputs_E2T: NDArray[Any]) -> list[tuple[int, int, int]]:
    """Window, start and end token of each question's answer; (window, 0, 0) for none."""
    score_E, start_E, end_E = _best_spans(split, outputs_E2T)
    item_E = np.asarray(split.item_of_example)
    order = np.lexsort((np.arange(len(item_E)), -score_E, item_E))
    _, first = np.unique(item_E[order], return_index=True)
    null_I = np.full(len(first), np.inf)
    np.minimum.at(null_I, item_E, outputs_E2T[:, 0, 0] + outputs_E2T[:, 1, 0])
    return [
        (int(example), 0, 0) if null > score_E[example] else (int(example), int(start_E[example]), int(end_E[example]))
        for example, null in zip(order[first], null_I, strict=True)
    ]


def _best_spans(split: EncodedSplit, outputs_E2T: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Score, start and end token of the best span of each window, over all spans of at most `MAX_ANSWER_TOKENS`."""
    first_E = np.array([window.first_token for window in split.decoding])
    count_E = np.array([len(window.offsets_N2) for window in split.decoding])
    position_T = np.arange(outputs_E2T.shape[2])
    in_context_ET = (position_T >= first_E[:, None]) & (position_T < (first_E + count_E)[:, None])
    start_ET = np.where(in_context_ET, outputs_E2T[:, 0], -np.inf)
    end_ET = np.where(in_context_ET, outputs_E2T[:, 1], -np.inf)
    span_ET = start_ET + _maximum_ahead(end_ET, MAX_ANSWER_TOKENS)
    start_E = span_ET.argmax(axis=1)
    every = np.arange(len(outputs_E2T))
    ahead_EA = np.minimum(start_E[:, None] + np.arange(MAX_ANSWER_TOKENS), len(position_T) - 1)
    length_E = end_ET[every[:, None], ahead_EA].argmax(axis=1)
    return span_ET[every, start_E], start_E, ahead_EA[every, length_E]


def _maximum_ahead(values_ET: NDArray[Any], count: int) -> NDArray[Any]:
    """At each position the largest of the `count` values from there on, in log2(count) passes."""
    best_ET, covered = values_ET.copy(), 1
    while covered < count:
        step = min(covered, count - covered)
        best_ET[:, :-step] = np.maximum(best_ET[:, :-step], best_ET[:, step:])
        covered += step
    return best_ET
