"""What can be wrong with rows, said before any training starts: one sentence with file, row and column per problem.

Row numbers count from 0 in each file, as pandas and pyarrow do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from panda_ray.errors import InputError
from panda_ray.tasks.kinds.labels import holds_null, shown
from panda_ray.tasks.rows.table import SplitTable, columns_of
from panda_ray.tasks.task import Row, TaskSpec


def problems(spec: TaskSpec, table: SplitTable) -> Iterator[str]:
    """Every problem of one split, as a sentence; `table` is in normal form."""
    if not table.rows:
        yield f"{table.where}: the split is empty; task {spec.name!r} needs rows to train on and to score"
        return
    sound = True
    for problem in row_problems(spec, table):
        sound = False
        yield problem
    if sound and spec.kind.must_vary:
        yield from _too_uniform(spec, table)


def row_problems(spec: TaskSpec, table: SplitTable) -> Iterator[str]:
    """Every problem inside a row."""
    for index, row in enumerate(table.rows):
        yield from (f"{table.place(index)}, {complaint}" for complaint in _row_complaints(spec, row))


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
    complaint = spec.kind.complaint(spec, row)
    if complaint is not None:
        yield complaint if complaint.startswith("column ") else f"column {spec.label_column!r}: {complaint}"


def _null_complaint(value: Any) -> str | None:
    return "the value is null; remove the row or fill it in" if holds_null(value) else None


def _text_complaint(spec: TaskSpec, value: Any) -> str | None:
    """What a value of a text column is, unless it is a text (or a list of texts, where the kind has such)."""
    if isinstance(value, list) and spec.kind.holds_lists:
        return next((f"in its list, {_wanted_text(each)}" for each in value if not isinstance(each, str)), None)
    return None if isinstance(value, str) else _wanted_text(value)


def _wanted_text(value: Any) -> str:
    return f"{shown(value)} is of type {type(value).__name__}; text is wanted"


def _too_uniform(spec: TaskSpec, table: SplitTable) -> Iterator[str]:
    """Labels that are all the same teach nothing and make correlations undefined."""
    values = {value for row in table.rows for value in spec.kind.values(row[spec.label_column])}
    if len(values) == 1:
        (value,) = values
        only = spec.labels[value] if spec.labels else value
        yield f"{table.where}, column {spec.label_column!r}: every label is {only!r}; at least two are needed"
