"""One split of a task as it lies in files: its rows, where they are from, and the label names that it declares.

The reader is Hugging Face's `datasets`, one file at a time and as a stream, so that it writes no copy of the rows to
its cache and asks no server. Files are not trusted: whatever is wrong with one is said in a sentence that names it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from panda_ray.errors import InputError
from panda_ray.tasks.rows.declared_labels import check_declared_labels, declared_labels, first_line
from panda_ray.tasks.rows.layout import check_readable
from panda_ray.tasks.rows.text import with_text
from panda_ray.tasks.task import HubOrigin, Row, TaskSpec

SAMPLE_SEED = 0
"""Seed of row limits: fixed, because a limit already says which rows are meant."""

_BATCH_ROWS = 10_000
_POINTER = b"version https://git-lfs"


@dataclass(frozen=True)
class SplitTable:
    """Rows of one split.

    Attributes:
        where: file (or origin) that messages name for the whole split.
        rows: column name to value.
        numbers: row numbers in the split, from 0, as rows may be a sample.
        parts: each file with the number of its first row, in order; none for rows that are in no file.
    """

    where: str
    rows: list[dict[str, Any]]
    numbers: Sequence[int]
    parts: Sequence[tuple[Path, int]] = ()

    def place(self, index: int) -> str:
        """File and row number in it, from 0, of the row at an index."""
        number = self.numbers[index]
        part = bisect_right(self.parts, number, key=itemgetter(1)) - 1
        path, first = self.parts[part] if self.parts else (self.where, 0)
        return f"{path}, row {number - first}"


def columns_of(spec: TaskSpec) -> tuple[str, ...]:
    """Every column that a task reads, labels included."""
    return tuple(dict.fromkeys((*spec.columns, spec.label_column)))


def sample_numbers(total: int, limit: int | None) -> Sequence[int]:
    """At most `limit` row numbers out of `total`: a seeded sample in ascending order."""
    if limit is None or limit >= total:
        return range(total)
    return sorted(Random(SAMPLE_SEED).sample(range(total), limit))


def in_normal_form(spec: TaskSpec, table: SplitTable) -> SplitTable:
    """The table with its labels in one form: what writers store differently has the same fingerprint."""
    normal = spec.kind.normal_label(spec)
    if normal is None:
        return table
    return replace(table, rows=[{**row, spec.label_column: normal(row[spec.label_column])} for row in table.rows])


def read_parquet(spec: TaskSpec, files: Sequence[Path], limit: int | None) -> SplitTable:
    """A split in one or several Parquet files.

    Rows of the Hub's repository whose columns differ from the task's are adapted, wherever its files lie.

    Raises:
        InputError: for a file that is not Parquet or damaged, lacks a column, or declares other label names than the
            task, and for text that is not UTF-8.
    """
    where = str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
    tables = [_read_file(spec, path) for path in files]
    ends = [0]
    for table in tables:
        ends.append(ends[-1] + table.num_rows)
    numbers = sample_numbers(ends[-1], limit)
    rows: list[dict[str, Any]] = []
    for path, table, first in zip(files, tables, ends, strict=False):
        inside = slice(bisect_left(numbers, first), bisect_left(numbers, first + table.num_rows))
        own = [number - first for number in numbers[inside]]
        read = as_rows(path, own, table.take(pa.array(own, type=pa.int64())))
        if not set(columns_of(spec)) <= set(table.column_names):
            read = [_adapted(spec, path, number, row) for number, row in zip(own, read, strict=True)]
        rows += read
    return SplitTable(where, rows, numbers, tuple(zip(files, ends, strict=False)))


def _read_file(spec: TaskSpec, path: Path) -> pa.Table:
    """The columns of a file that bear on its rows."""
    check_readable(path)
    columns = columns_of(spec)
    try:
        schema = pq.read_schema(path)
    except Exception as error:  # a damaged footer makes pyarrow raise errors of many kinds
        raise InputError(_not_parquet(path, error)) from error
    if _adapt(spec) is not None and not set(columns) <= set(schema.names):
        columns = tuple(dict.fromkeys(schema.names))
    for column in columns:
        if column not in schema.names:
            raise InputError(
                f"{path}: column {column!r} is missing; task {spec.name!r} needs {', '.join(columns)} "
                f"(the file has {', '.join(schema.names)})"
            )
        if schema.names.count(column) > 1:
            raise InputError(f"{path}: there are {schema.names.count(column)} columns {column!r}; keep one of them")
        check_type(path, schema.field(column))
    check_declared_labels(spec, path, declared_labels(path, schema, spec.label_column))
    try:
        table = parquet_stream(path, schema, columns)
    except Exception as error:
        raise InputError(f"{path}: the file is damaged, its rows cannot be read ({first_line(error)})") from error
    return with_text(path, table)


def parquet_stream(path: Path, schema: pa.Schema, columns: Sequence[str]) -> pa.Table:
    """All rows, with the checksums of the pages verified where the file has them."""
    from datasets import Features, IterableDataset
    from pyarrow.dataset import ParquetFragmentScanOptions

    bare = pa.schema([schema.field(column) for column in columns])
    with quiet(), TemporaryDirectory() as cache:
        stream = IterableDataset.from_parquet(
            str(path),
            features=Features.from_arrow_schema(bare),
            columns=list(columns),
            batch_size=_BATCH_ROWS,
            cache_dir=cache,
            fragment_scan_options=ParquetFragmentScanOptions(page_checksum_verification=True),
        )
        batches = list(stream.with_format("arrow").iter(_BATCH_ROWS))
    declared = pq.read_metadata(path).num_rows
    read = sum(batch.num_rows for batch in batches)
    if read != declared:
        raise ValueError(f"it declares {declared} rows and holds {read}")
    return pa.concat_tables(batches) if batches else bare.empty_table()


def as_rows(path: Path, numbers: Sequence[int], table: pa.Table) -> list[dict[str, Any]]:
    """Python's values; some of Arrow's have none, such as a date after the year 9999."""
    try:
        rows: list[dict[str, Any]] = table.to_pylist()
    except Exception as error:  # each type has its own
        for column in table.column_names:
            for number, value in zip(numbers, table.column(column), strict=True):
                reason = _unreadable(value)
                if reason is not None:
                    raise InputError(
                        f"{path}, row {number}, column {column!r}: a value of type {value.type} that cannot be read "
                        f"({reason})"
                    ) from error
        raise
    return rows


def _unreadable(value: pa.Scalar) -> str | None:
    try:
        value.as_py()
    except Exception as error:
        return first_line(error)
    return None


@contextmanager
def quiet() -> Iterator[None]:
    """`datasets` logs each error before it raises it; our sentence says it once."""
    from datasets.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def check_type(path: Path, field: pa.Field) -> None:
    from datasets import Features

    try:
        Features.from_arrow_schema(pa.schema([field.remove_metadata()]))
    except Exception as error:  # whatever it says, it is about this type
        raise InputError(
            f"{path}: column {field.name!r} is of type {field.type}, which `datasets` does not read; write it as text, "
            "numbers or lists of them"
        ) from error


def _adapt(spec: TaskSpec) -> Callable[[Row], dict[str, Any]] | None:
    return spec.origin.adapt if isinstance(spec.origin, HubOrigin) else None


def _adapted(spec: TaskSpec, path: Path, number: int, row: Row) -> dict[str, Any]:
    """A row of the Hub's repository as one of the task."""
    adapt = _adapt(spec)
    assert adapt is not None, f"task {spec.name} has one form only"
    try:
        adapted = adapt(row)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}, row {number}: has neither the columns of task {spec.name!r} ({', '.join(columns_of(spec))}) nor "
            f"those of its repository ({type(error).__name__}: {error})"
        ) from error
    return adapted


def _not_parquet(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            return f"{path}: a pointer of Git LFS, not the file itself; fetch it with `git lfs pull`"
    return f"{path}: not a Parquet file ({first_line(error)})"
