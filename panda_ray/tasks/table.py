"""One split of a task as it lies in a file: its rows, where they are from, and the label names that it declares."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from panda_ray.errors import InputError
from panda_ray.tasks.task import Row, TaskSpec

SAMPLE_SEED = 0
"""Seed of row limits: fixed, because a limit already says which rows are meant."""

Adapter = Callable[[Row], dict[str, Any]]


@dataclass(frozen=True)
class SplitTable:
    """Rows of one split.

    Attributes:
        where: file (or origin) that messages name.
        rows: column name to value.
        numbers: row numbers in the file, from 0, as rows may be a sample.
    """

    where: str
    rows: list[dict[str, Any]]
    numbers: Sequence[int]


def columns_of(spec: TaskSpec) -> tuple[str, ...]:
    """Every column that a task reads, labels included."""
    return tuple(dict.fromkeys((*spec.columns, spec.label_column)))


def sample_numbers(total: int, limit: int | None) -> Sequence[int]:
    """At most `limit` row numbers out of `total`: a seeded sample in ascending order."""
    if limit is None or limit >= total:
        return range(total)
    return sorted(Random(SAMPLE_SEED).sample(range(total), limit))


def read_parquet(spec: TaskSpec, files: Sequence[Path], limit: int | None, adapt: Adapter | None = None) -> SplitTable:
    """A split in one or several Parquet files.

    Args:
        adapt: turns the files' rows into rows with the task's columns, where they differ.

    Raises:
        InputError: for a file that is not Parquet, lacks a column, or declares other label names than the task.
    """
    where = str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
    columns = None if adapt else list(columns_of(spec))
    table = pa.concat_tables([_read_file(spec, path, columns) for path in files])
    numbers = sample_numbers(table.num_rows, limit)
    rows = table.take(pa.array(numbers, type=pa.int64())).to_pylist()
    return SplitTable(where, [adapt(row) for row in rows] if adapt else rows, numbers)


def _read_file(spec: TaskSpec, path: Path, columns: list[str] | None) -> pa.Table:
    try:
        schema = pq.read_schema(path)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not a Parquet file ({error})") from error
    if columns is not None:
        missing = [column for column in columns if column not in schema.names]
        if missing:
            raise InputError(
                f"{path}: column {missing[0]!r} is missing; task {spec.name!r} needs {', '.join(columns)} "
                f"(the file has {', '.join(schema.names)})"
            )
        _check_declared_labels(spec, path, declared_labels(schema, spec.label_column))
    return pq.read_table(path, columns=columns).replace_schema_metadata(None)


def declared_labels(schema: pa.Schema, column: str) -> tuple[str, ...] | None:
    """Label names that `datasets` stored in a file's schema for a column (or its list elements), if any."""
    stored = (schema.metadata or {}).get(b"huggingface")
    if stored is None:
        return None
    feature = json.loads(stored)["info"]["features"].get(column, {})
    names = feature.get("feature", feature).get("names")
    return None if names is None else tuple(names)


def _check_declared_labels(spec: TaskSpec, path: Path, declared: tuple[str, ...] | None) -> None:
    if declared is not None and spec.labels and declared != spec.labels:
        raise InputError(
            f"{path}: column {spec.label_column!r} declares the labels {', '.join(declared)}; task {spec.name!r} codes "
            f"them as {', '.join(spec.labels)}, in this order"
        )
