"""What cells of a user's own files mean: names of classes, numbers, choices, words and answers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from panda_ray.tasks.task import Row, TaskSpec

_SPREADSHEET_TRUTH = {True: "true", False: "false"}


def class_name(spec: TaskSpec, row: Row) -> str | None:
    """The name of a class; an empty cell has none."""
    label = row[spec.label_column]
    if isinstance(label, bool):
        return _SPREADSHEET_TRUTH[label]
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return None if label is None or (isinstance(label, str) and not label.strip()) else str(label).strip()


def number(spec: TaskSpec, row: Row) -> Any:
    """The number that a cell holds; what is none stays, to be complained of."""
    label = row[spec.label_column]
    try:
        found = float(label) if isinstance(label, str) else label
    except ValueError:
        return label
    return label if isinstance(found, float) and not math.isfinite(found) else found


def choice(spec: TaskSpec, row: Row) -> Any:
    """A choice by its column, or by its position from 0."""
    label = row[spec.label_column]
    return int(label) if isinstance(label, str) and label.isdecimal() else label


def tags(spec: TaskSpec, row: Row) -> Any:
    """A list of tags; in one text, blanks separate them."""
    return _split(row[spec.label_column])


def with_words(spec: TaskSpec, row: Row) -> dict[str, Any]:
    """The row with a list of words as its text."""
    column = spec.columns[0]
    return {**row, column: _split(row[column])}


def answers(spec: TaskSpec, row: Row) -> Any:
    """An answer that is written as its text alone begins where the context has it first; "" is no answer."""
    assert spec.second is not None, "questions are asked about a context"
    label = row[spec.label_column]
    if not isinstance(label, str):
        return label
    start = str(spec.second(row)).find(label)
    return {"text": [label], "answer_start": [start]} if label else {"text": [], "answer_start": []}


def _split(words: Any) -> Any:
    return words.split() if isinstance(words, str) else words
