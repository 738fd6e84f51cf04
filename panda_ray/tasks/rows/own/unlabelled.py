"""Rows that are to be labelled: a user's files again, read without the column of the label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from panda_ray.errors import InputError
from panda_ray.tasks.rows.own.own_files import own_files, read_columns
from panda_ray.tasks.rows.table import SplitTable, as_rows
from panda_ray.tasks.rows.text import with_text
from panda_ray.tasks.rows.validation import row_problems
from panda_ray.tasks.task import Row, TaskSpec


def unlabelled_rows(spec: TaskSpec, place: str, rows_at_a_time: int) -> Iterator[list[dict[str, Any]]]:
    """The rows of a file, or of a folder of files, in parts, each row with a label that says nothing.

    Raises:
        InputError: nothing can be read there, a column is missing, or a text is; the first problem, with its place.
    """
    columns = [column for column in spec.columns if column != spec.label_column]
    found = 0
    for path in own_files(place):
        table = with_text(path, read_columns(path, columns))
        rows = as_rows(path, range(table.num_rows), table)
        found += len(rows)
        yield from checked_rows(spec, str(path), rows, rows_at_a_time)
    if not found:
        raise InputError(f"{place}: there are no rows to be labelled")


def checked_rows(
    spec: TaskSpec, place: str, rows: Sequence[Row], rows_at_a_time: int
) -> Iterator[list[dict[str, Any]]]:
    """Rows that were read already, in parts.

    Args:
        place: where they are from, for messages.
        rows: with the columns of the task, but for that of the label.

    Raises:
        InputError: for the first row with a problem.
    """
    for first in range(0, len(rows), rows_at_a_time):
        part = [_as_read(spec, row) for row in rows[first : first + rows_at_a_time]]
        problem = next(row_problems(spec, SplitTable(place, part, range(first, first + len(part)))), None)
        if problem is not None:
            raise InputError(problem)
        yield part


def _as_read(spec: TaskSpec, row: Row) -> dict[str, Any]:
    own = spec.kind.own_columns
    read = dict(row) if own is None else own.texts(spec, row)
    try:
        return {**read, spec.label_column: spec.kind.placeholder(spec, read)}
    except (TypeError, AttributeError, InputError):  # a text is missing, which is said of the row with its place
        return {**read, spec.label_column: 0}
