"""Rows of a user's own files as those of a task, and their dev split where they have none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq

from panda_ray.errors import InputError
from panda_ray.tasks.kinds.own.own_columns import OwnColumns
from panda_ray.tasks.kinds.own.own_templates import columns_used
from panda_ray.tasks.rows.declared_labels import declared_labels
from panda_ray.tasks.rows.own.own_files import own_files, read_columns
from panda_ray.tasks.rows.table import (
    SplitTable,
    as_rows,
    columns_of,
    in_normal_form,
    sample_numbers,
)
from panda_ray.tasks.rows.text import with_text
from panda_ray.tasks.task import FileOrigin, Row, TaskSpec


def what_is_asked(spec: TaskSpec) -> dict[str, Any]:
    """JSON data that says what a task of a user's own makes of its rows: it enters their fingerprint."""
    return {
        "kind": spec.kind.name,
        "measure": spec.measure,
        "labels": list(spec.labels),
        "first": columns_used(spec.first),
        "second": columns_used(spec.second),
        "label": spec.label_column,
    }


def own_splits(
    spec: TaskSpec, origin: FileOrigin, max_train_rows: int | None, max_dev_rows: int | None
) -> tuple[SplitTable, SplitTable]:
    """(train, dev) in normal form.

    Raises:
        InputError: files are not there or cannot be read, lack a column, or hold too few rows to be split.
    """
    data = in_normal_form(spec, read_own(spec, origin.data))
    if origin.dev is not None:
        dev = in_normal_form(spec, read_own(spec, origin.dev))
        return _sample(data, max_train_rows), _sample(dev, max_dev_rows)
    dev_numbers = _drawn(spec, data, origin)
    chosen = set(dev_numbers)
    train_numbers = [number for number in range(len(data.rows)) if number not in chosen]
    return _sample(_part(data, train_numbers), max_train_rows), _sample(_part(data, dev_numbers), max_dev_rows)


def read_own(spec: TaskSpec, place: str) -> SplitTable:
    """Every row of a file or folder, labels as the names, numbers and answers that they mean.

    Raises:
        InputError: as `read_columns`.
    """
    files = own_files(place, f"task {spec.name!r}: ")
    rows: list[dict[str, Any]] = []
    parts: list[tuple[Path, int]] = []
    for path in files:
        table = with_text(path, read_columns(path, columns_of(spec)))
        parts.append((path, len(rows)))
        labels = _declared(path, spec.label_column)
        rows += [_as_meant(spec, row, labels) for row in as_rows(path, range(table.num_rows), table)]
    return SplitTable(place, rows, range(len(rows)), tuple(parts))


def _declared(path: Path, column: str) -> tuple[str, ...] | None:
    """Names that a Parquet file of `datasets` gives the codes of its labels."""
    return declared_labels(path, pq.read_schema(path), column) if path.suffix.lower() == ".parquet" else None


def _as_meant(spec: TaskSpec, row: Row, declared: tuple[str, ...] | None) -> dict[str, Any]:
    label = row[spec.label_column]
    if declared is not None and isinstance(label, int) and 0 <= label < len(declared):
        label = declared[label]
    read = columns_read(spec)
    row = read.texts(spec, {**row, spec.label_column: label})
    return {**row, spec.label_column: read.label(spec, row)}


def columns_read(spec: TaskSpec) -> OwnColumns:
    """How the kind of a task of a user's own reads rows."""
    assert spec.kind.own_columns is not None, "no other kind is made of a user's rows"
    return spec.kind.own_columns


def _drawn(spec: TaskSpec, data: SplitTable, origin: FileOrigin) -> list[int]:
    """Numbers of the rows that are the dev split, in ascending order: the same share of every class, at least one."""
    strata: dict[Any, list[int]] = defaultdict(list)
    for number, row in enumerate(data.rows):
        strata[row[spec.label_column] if spec.kind.has_classes else None].append(number)
    random = Random(origin.dev_seed)
    drawn: list[int] = []
    for _, numbers in sorted(strata.items(), key=lambda item: str(item[0])):
        most = len(numbers) - 1
        drawn += random.sample(numbers, min(most, max(1, round(origin.dev_share * len(numbers)))))
    if not drawn:
        raise InputError(
            f"task {spec.name!r}: {data.where} has too few rows to be split into train and dev ({len(data.rows)}); "
            "give more, or the dev rows in a file of their own (`dev`)"
        )
    return sorted(drawn)


def _part(data: SplitTable, numbers: Sequence[int]) -> SplitTable:
    return SplitTable(data.where, [data.rows[number] for number in numbers], numbers, data.parts)


def _sample(table: SplitTable, limit: int | None) -> SplitTable:
    chosen = sample_numbers(len(table.rows), limit)
    rows = [table.rows[index] for index in chosen]
    return SplitTable(table.where, rows, [table.numbers[index] for index in chosen], table.parts)
