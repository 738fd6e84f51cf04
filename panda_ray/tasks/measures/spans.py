"""Span F1 over BIO tags, with the chunk rules of seqeval's default mode (those of conlleval).

A span ends where its type ends or a "B-" follows; an "I-" without a span of its type before it opens one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from panda_ray.tasks.measures.measure import Measure, Statistics, by_sums, f1_of_counts, f1_of_sums

Span = tuple[str, int, int]


def spans(tags: Sequence[str]) -> set[Span]:
    """(type, first word, last word) of every span of one sentence."""
    found: set[Span] = set()
    open_type, start = "", 0
    for position, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        goes_on = prefix == "I" and kind == open_type
        if open_type and not goes_on:
            found.add((open_type, start, position - 1))
        if not goes_on:
            open_type, start = ("" if prefix == "O" else kind), position
    if open_type:
        found.add((open_type, start, len(tags) - 1))
    return found


def _counts(values: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> Statistics:
    """Per sentence: spans found, spans predicted, spans that are there."""
    rows = []
    for predicted_tags, actual_tags in zip(values, references, strict=True):
        predicted, actual = spans(predicted_tags), spans(actual_tags)
        rows.append((len(predicted & actual), len(predicted), len(actual)))
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def _f1_of_item(statistics_XI3: Statistics) -> Statistics:
    """1 where there is nothing to find and nothing is found."""
    is_empty_XI = (statistics_XI3[..., 1:] == 0).all(axis=-1)
    return np.where(is_empty_XI, 1.0, f1_of_sums(statistics_XI3))


SPAN_F1 = Measure(_counts, f1_of_counts, by_sums(f1_of_sums), _f1_of_item, "F1 of its spans")
