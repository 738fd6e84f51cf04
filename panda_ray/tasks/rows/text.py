"""Text columns as text: writers that know nothing of text store bytes, and a reader trusts neither to be UTF-8."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from panda_ray.errors import InputError

_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
_VIEWS = (pa.types.is_binary_view, pa.types.is_string_view)
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


def with_text(path: Path, table: pa.Table) -> pa.Table:
    """The table with bytes, nested ones too, read as UTF-8.

    Raises:
        InputError: for bytes that are not UTF-8, with file, row, column and byte.
    """
    try:
        table = table.cast(_schema(table, *_BYTES, *_VIEWS, to=pa.large_string()))
        table.validate(full=True)
    except pa.ArrowInvalid as error:
        broken = next(_broken(table), str(error))
        raise InputError(f"{path}, {broken}") from error
    return table


def _schema(table: pa.Table, *is_one: Callable[[pa.DataType], bool], to: pa.DataType) -> pa.Schema:
    """The table's schema with every type of one sort, nested ones too, replaced."""

    def retyped(data_type: pa.DataType) -> pa.DataType:
        if any(check(data_type) for check in is_one):
            return to
        if pa.types.is_list(data_type):
            return pa.list_(retyped(data_type.value_type))
        if pa.types.is_large_list(data_type):
            return pa.large_list(retyped(data_type.value_type))
        if pa.types.is_struct(data_type):
            return pa.struct([(field.name, retyped(field.type)) for field in data_type])
        return data_type

    return pa.schema([(field.name, retyped(field.type)) for field in table.schema])


def _broken(table: pa.Table) -> Iterator[str]:
    """Row, column and byte of everything that is not UTF-8."""
    raw = table.cast(_schema(table, *_TEXTS, to=pa.large_binary()))
    for column in raw.column_names:
        for row, value in enumerate(raw.column(column).to_pylist()):
            complaints = filter(None, map(_complaint, _leaves(value)))
            yield from (f"row {row}, column {column!r}: {complaint}" for complaint in complaints)


def _complaint(data: bytes) -> str | None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        byte = data[error.start]
        return f"byte {error.start} is {byte:#04x}, which is not UTF-8 ({error.reason}); write the text as UTF-8"
    return None


def _leaves(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
