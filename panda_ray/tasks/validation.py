"""What can be wrong with rows, said before any training starts: one sentence with file, row and column per problem.

Row numbers count from 0 in each file, as pandas and pyarrow do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from panda_ray.errors import InputError, unknown_name
from panda_ray.tasks.normal_form import ANSWER_FIELDS
from panda_ray.tasks.table import SplitTable, columns_of
from panda_ray.tasks.task import Kind, Row, TaskSpec

_SHOWN_CHARACTERS = 60
_HOLD_LISTS: tuple[Kind, ...] = ("tagging", "candidate_ranking")
"""Kinds whose rows have lists of texts (words, candidates) besides texts."""


def problems(spec: TaskSpec, table: SplitTable) -> Iterator[str]:
    """Every problem of one split, as a sentence; `table` is in normal form."""
    if not table.rows:
        yield f"{table.where}: the split is empty; task {spec.name!r} needs rows to train on and to score"
        return
    sound = True
    for index, row in enumerate(table.rows):
        for complaint in _row_complaints(spec, row):
            sound = False
            yield f"{table.place(index)}, {complaint}"
    if sound:
        yield from _too_uniform(spec, table)


def _row_complaints(spec: TaskSpec, row: Row) -> Iterator[str]:
    unusable = False
    for column in columns_of(spec):
        is_text = column != spec.label_column
        complaint = _null_complaint(row[column]) or (_text_complaint(spec, row[column]) if is_text else None)
        if complaint is not None:
            unusable = True
            yield f"column {column!r}: {complaint}"
    if unusable:
        return
    try:
        for template in (spec.first, spec.second):
            if template is not None:
                template(row)
    except InputError as error:
        yield str(error)
        return
    except (TypeError, AttributeError):  # a list where the template wants a text, or the other way round
        yield f"columns {', '.join(spec.columns)}: a list of texts stands where a text is wanted"
        return
    complaint = _LABEL_CHECKS[spec.kind](spec, row, row[spec.label_column])
    if complaint is not None:
        yield complaint if complaint.startswith("column ") else f"column {spec.label_column!r}: {complaint}"


def _null_complaint(value: Any) -> str | None:
    is_null = value is None or (isinstance(value, list) and None in value)
    return "the value is null; remove the row or fill it in" if is_null else None


def _text_complaint(spec: TaskSpec, value: Any) -> str | None:
    """What a value of a text column is, unless it is a text (or a list of texts, where the kind has such)."""
    if isinstance(value, list) and spec.kind in _HOLD_LISTS:
        return next((f"in its list, {_wanted_text(each)}" for each in value if not isinstance(each, str)), None)
    return None if isinstance(value, str) else _wanted_text(value)


def _wanted_text(value: Any) -> str:
    return f"{_shown(value)} is of type {type(value).__name__}; text is wanted"


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, bool | int | float) else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _code_complaint(spec: TaskSpec, label: Any) -> str | None:
    if isinstance(label, str):
        return str(unknown_name("label", label, spec.labels))
    if isinstance(label, int) and 0 <= label < len(spec.labels):
        return None
    hint = "; -1 marks rows without a published label, as in test sets" if label == -1 else ""
    allowed = ", ".join(f"{code} ({name})" for code, name in enumerate(spec.labels[:10]))
    more = f", ... {len(spec.labels) - 1}" if len(spec.labels) > 10 else ""
    wrong = "is out of range" if isinstance(label, int) else "is neither a code nor a name"
    return f"label {_shown(label)} {wrong} (allowed: {allowed}{more}){hint}"


def _class_complaint(spec: TaskSpec, _row: Row, label: Any) -> str | None:
    return _code_complaint(spec, label)


def _number_complaint(spec: TaskSpec, _row: Row, label: Any) -> str | None:
    if isinstance(label, bool) or not isinstance(label, float) or not math.isfinite(label):
        return f"{_shown(label)} is not a finite number"
    if spec.label_range is None:
        return None
    low, high = spec.label_range
    hint = "; -1 marks rows without a published label, as in test sets" if label == -1 else ""
    return None if low <= label <= high else f"{label} is out of range (allowed: {low:g} to {high:g}){hint}"


def _tags_complaint(spec: TaskSpec, row: Row, tags: Any) -> str | None:
    assert spec.first is not None, f"task {spec.name} has no template for its words"
    words = spec.first(row)
    if not isinstance(words, list):
        return f"column {spec.columns[0]!r}: {_shown(words)} is one text; a list of words is wanted"
    if not isinstance(tags, list):
        return f"{_shown(tags)} is no list; every word needs a tag"
    if not words:
        return "the row has no words"
    if len(tags) != len(words):
        return f"{len(tags)} tags for {len(words)} words; every word needs one"
    return next((complaint for tag in tags if (complaint := _code_complaint(spec, tag))), None)


def _answers_complaint(spec: TaskSpec, row: Row, answers: Any) -> str | None:
    assert spec.second is not None, f"task {spec.name} has no template for its context"
    if not isinstance(answers, dict):
        return f"{_shown(answers)} is of type {type(answers).__name__}; {' and '.join(ANSWER_FIELDS)} are wanted"
    texts, starts = (answers[field] for field in ANSWER_FIELDS)
    if _null_complaint(texts) or _null_complaint(starts):
        return "an answer is null; an unanswerable question has empty lists"
    if not isinstance(texts, list) or not isinstance(starts, list):
        return f"{_shown(texts)} at {_shown(starts)}: two lists are wanted, of texts and of their starts"
    if len(texts) != len(starts):
        return f"{len(texts)} answer texts but {len(starts)} answer starts"
    context = spec.second(row)
    places = zip(texts, starts, strict=True)
    return next((found for text, start in places if (found := _place_complaint(context, text, start))), None)


def _place_complaint(context: str, text: Any, start: Any) -> str | None:
    """An answer that its context does not hold where it says, case and blanks aside."""
    if not isinstance(text, str) or not text.strip():
        return f"answer {_shown(text)} is no text"
    if isinstance(start, bool) or not isinstance(start, int):
        return f"answer {_shown(text)} starts at {_shown(start)}; a character's number is wanted"
    if context[max(0, start) :].startswith(text) and start >= 0:
        return None
    if not 0 <= start <= len(context) - len(text):
        return f"answer {_shown(text)} at character {start} is outside the context of {len(context)} characters"
    if _bare(context[start:]).startswith(_bare(text)):
        return None
    elsewhere = context.find(text)
    hint = f"; it first occurs at {elsewhere}" if elsewhere >= 0 else "; it occurs nowhere in it"
    there = context[start : start + len(text)]
    return f"answer {_shown(text)} is not at character {start} of the context, {_shown(there)} is{hint}"


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()


def _candidates_complaint(spec: TaskSpec, row: Row, answers: Any) -> str | None:
    assert spec.second is not None, f"task {spec.name} has no template for its candidates"
    candidates = spec.second(row)
    if not candidates:
        return "the row has no candidates to choose from"
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        return f"{_shown(answers)} is no list of texts"
    if not answers:
        return "the row has no answer; test sets without answers cannot be scored"
    if not any(answer in candidates for answer in answers):
        return f"none of the answers {_shown(answers)} is among the candidates {_shown(list(candidates))}"
    return None


_LABEL_CHECKS: Mapping[Kind, Callable[[TaskSpec, Row, Any], str | None]] = {
    "classification": _class_complaint,
    "regression": _number_complaint,
    "multiple_choice": _class_complaint,
    "tagging": _tags_complaint,
    "extractive_qa": _answers_complaint,
    "candidate_ranking": _candidates_complaint,
}


def _too_uniform(spec: TaskSpec, table: SplitTable) -> Iterator[str]:
    """Labels that are all the same teach nothing and make correlations undefined."""
    labels = [row[spec.label_column] for row in table.rows]
    if spec.kind == "tagging":
        labels = [tag for tags in labels for tag in tags]
    elif spec.kind not in ("classification", "regression"):
        return
    if len(set(labels)) == 1:
        only = spec.labels[labels[0]] if spec.labels else labels[0]
        yield f"{table.where}, column {spec.label_column!r}: every label is {only!r}; at least two are needed"
