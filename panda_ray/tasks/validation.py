"""What can be wrong with rows, said before any training starts: one sentence with file, row and column per problem.

Row numbers count from 0, as pandas and pyarrow do. Labels that are names become codes here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from panda_ray.errors import InputError, unknown_name
from panda_ray.tasks.table import SplitTable, columns_of
from panda_ray.tasks.task import Kind, Row, TaskSpec


def with_codes(spec: TaskSpec, table: SplitTable) -> SplitTable:
    """The table with label names replaced by their codes; names that the task does not know stay as they are."""
    if spec.kind not in ("classification", "multiple_choice", "tagging"):
        return table
    codes: dict[Any, int] = {name: code for code, name in enumerate(spec.labels)}
    column = spec.label_column

    def coded(label: Any) -> Any:
        if isinstance(label, list):
            return [coded(element) for element in label]
        return codes.get(label, label) if isinstance(label, str) else label

    return SplitTable(table.where, [{**row, column: coded(row[column])} for row in table.rows], table.numbers)


def problems(spec: TaskSpec, table: SplitTable) -> Iterator[str]:
    """Every problem of one split, as a sentence; `table` has gone through `with_codes`."""
    if not table.rows:
        yield f"{table.where}: the split is empty; task {spec.name!r} needs rows to train on and to score"
        return
    sound = True
    for number, row in zip(table.numbers, table.rows, strict=True):
        for complaint in _row_complaints(spec, row):
            sound = False
            yield f"{table.where}, row {number}, {complaint}"
    if sound:
        yield from _too_uniform(spec, table)


def _row_complaints(spec: TaskSpec, row: Row) -> Iterator[str]:
    null_columns = [column for column in columns_of(spec) if _is_null(row[column])]
    for column in null_columns:
        yield f"column {column!r}: the value is null; remove the row or fill it in"
    if null_columns:
        return
    complaint = _LABEL_CHECKS[spec.kind](spec, row, row[spec.label_column])
    if complaint is not None:
        yield f"column {spec.label_column!r}: {complaint}"
    try:
        for template in (spec.first, spec.second):
            if template is not None:
                template(row)
    except InputError as error:
        yield str(error)


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, list) and None in value)


def _code_complaint(spec: TaskSpec, label: Any) -> str | None:
    if isinstance(label, str):
        return str(unknown_name("label", label, spec.labels))
    if isinstance(label, int) and 0 <= label < len(spec.labels):
        return None
    hint = "; -1 marks rows without a published label, as in test sets" if label == -1 else ""
    allowed = ", ".join(f"{code} ({name})" for code, name in enumerate(spec.labels[:10]))
    more = f", ... {len(spec.labels) - 1}" if len(spec.labels) > 10 else ""
    return f"label {label!r} is out of range (allowed: {allowed}{more}){hint}"


def _class_complaint(spec: TaskSpec, _row: Row, label: Any) -> str | None:
    return _code_complaint(spec, label)


def _number_complaint(_spec: TaskSpec, _row: Row, label: Any) -> str | None:
    return None if isinstance(label, int | float) and math.isfinite(label) else f"{label!r} is not a finite number"


def _tags_complaint(spec: TaskSpec, row: Row, tags: Any) -> str | None:
    assert spec.first is not None, f"task {spec.name} has no template for its words"
    words = spec.first(row)
    if not words:
        return "the row has no words"
    if len(tags) != len(words):
        return f"{len(tags)} tags for {len(words)} words; every word needs one"
    return next((complaint for tag in tags if (complaint := _code_complaint(spec, tag))), None)


def _answers_complaint(spec: TaskSpec, row: Row, answers: Any) -> str | None:
    assert spec.second is not None, f"task {spec.name} has no template for its context"
    texts, starts = answers["text"], answers["answer_start"]
    if _is_null(texts) or _is_null(starts):
        return "an answer is null; an unanswerable question has empty lists"
    if len(texts) != len(starts):
        return f"{len(texts)} answer texts but {len(starts)} answer starts"
    length = len(spec.second(row))
    for text, start in zip(texts, starts, strict=True):
        if not 0 <= start <= length - len(text):
            return f"answer {text!r} at character {start} is outside the context of {length} characters"
    return None


def _candidates_complaint(spec: TaskSpec, row: Row, answers: Any) -> str | None:
    assert spec.second is not None, f"task {spec.name} has no template for its candidates"
    if not spec.second(row):
        return "the row has no candidates to choose from"
    return None if answers else "the row has no answer; test sets without answers cannot be scored"


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
