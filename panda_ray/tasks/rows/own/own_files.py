"""Files of a user's own: which there are, which columns they have, and these as a table.

CSV, TSV, JSON lines and Parquet are read by `datasets`; a CoNLL file becomes the columns `tokens` and `tags`. A cell of
a CSV or TSV file is text, whatever it looks like: a formula is its characters, `NA` and `null` are words.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from panda_ray.errors import InputError, unknown_name
from panda_ray.tasks.conversion.bio import bio_of_iob
from panda_ray.tasks.conversion.conll_files import sentences_of
from panda_ray.tasks.rows.declared_labels import first_line
from panda_ray.tasks.rows.layout import check_readable, in_row_order
from panda_ray.tasks.rows.own.hub_files import files_at, is_on_hub
from panda_ray.tasks.rows.table import check_type, parquet_stream, quiet

WORDS, TAGS = "tokens", "tags"
"""The columns of a CoNLL file: its first and its last one."""
_BATCH_ROWS = 10_000
_SEPARATORS = ",;\t|"
_LOOKED_AT = 100
"""Lines of JSON that are looked at for keys."""


@dataclass(frozen=True)
class Form:
    """How files with some ending are read.

    Attributes:
        names: the columns that a file has.
        table: some of them.
        is_text: whether the file must be UTF-8.
    """

    names: Callable[[Path], Sequence[str]]
    table: Callable[[Path, Sequence[str]], pa.Table]
    is_text: bool = True


def own_files(place: str | None, whose: str = "") -> Sequence[Path]:
    """The file at a place, or those of the folder there, in the order of their rows; none for no place.

    What lies on the Hub is fetched if need be.

    Args:
        whose: how messages begin, unless they are about a file that somebody has just named.

    Raises:
        InputError: nothing is there, or files of no form, or of two.
    """
    if place is None:
        return ()
    files = files_at(place, whose) if is_on_hub(place) else _files_here(Path(place).expanduser(), place, whose)
    suffixes = sorted({file.suffix.lower() for file in files})
    if len(suffixes) != 1:
        held = f"files of {len(suffixes)} forms ({', '.join(suffixes)})" if suffixes else "no file"
        raise InputError(f"{whose}the folder {place} holds {held}; it must hold files of one form")
    if suffixes[0] not in FORMS:
        raise InputError(
            f"{whose}{files[0]} ends in none of {', '.join(FORMS)}, the forms that are read; save a spreadsheet as CSV"
        )
    return files


def _files_here(path: Path, place: str, whose: str) -> Sequence[Path]:
    if not path.exists():
        raise InputError(f"{whose}no file {place!r} (relative paths start at {Path.cwd()})")
    if not path.is_dir():
        return [path]
    return in_row_order([file for file in path.iterdir() if file.is_file() and file.name[0] not in "._"])


def read_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """Columns of one file.

    Raises:
        InputError: there is no such column, the file is damaged, or it is not UTF-8.
    """
    names = column_names(path)
    for column in columns:
        if column not in names:
            raise unknown_name("column", column, names, str(path))
        if names.count(column) > 1:
            raise InputError(
                f"{path}: there are {names.count(column)} columns {column!r}; rename or remove one of them"
            )
    try:
        return FORMS[path.suffix.lower()].table(path, columns)
    except InputError:
        raise
    except Exception as error:  # each reader has its own
        raise InputError(f"{path}: its rows cannot be read ({first_line(error)})") from error


def column_names(path: Path) -> list[str]:
    """The columns of a file, in its order.

    Raises:
        InputError: where it cannot be read, or is not UTF-8.
    """
    check_readable(path)
    form = FORMS[path.suffix.lower()]
    if form.is_text:
        _check_text(path)
    try:
        names = list(form.names(path))
    except InputError:
        raise
    except Exception as error:  # each reader has its own
        raise InputError(f"{path}: its columns cannot be read ({first_line(error)})") from error
    if not names:
        raise InputError(f"{path}: there are no columns; the first line must name them, or each line of JSON")
    return names


def _check_text(path: Path) -> None:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
                wrong = line.find(b"\0")
            except UnicodeDecodeError as error:
                wrong = error.start
            if wrong >= 0:
                byte = f"byte {wrong} is {line[wrong]:#04x}"
                raise InputError(f"{path}, line {number}: {byte}, which is not UTF-8 text; save it as UTF-8")


def _separated(separator: str) -> Form:
    def names(path: Path) -> Sequence[str]:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next((line for line in csv.reader(file, delimiter=separator) if line), [])
        if len(header) == 1 and (other := next((sign for sign in _SEPARATORS if sign in header[0]), None)):
            raise InputError(
                f"{path}: cells are separated by {other!r}, not by {separator!r} as its name says; save it so"
            )
        return [name for name in header if name.strip()]  # a saved index has no name

    def table(path: Path, columns: Sequence[str]) -> pa.Table:
        from datasets import Features, IterableDataset, Value

        features = Features({column: Value("string") for column in columns})
        with TemporaryDirectory() as cache:
            stream = IterableDataset.from_csv(
                str(path), features=features, sep=separator, keep_default_na=False, cache_dir=cache
            )
            return _gathered(stream, columns)

    return Form(names, table)


def _json_names(path: Path) -> Sequence[str]:
    with path.open(encoding="utf-8-sig") as file:
        rows = [json.loads(line) for line in islice(file, _LOOKED_AT) if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: every line must be a JSON object, one row each")
    return list(dict.fromkeys(key for row in rows for key in row))


def _json_table(path: Path, columns: Sequence[str]) -> pa.Table:
    from datasets import IterableDataset

    with TemporaryDirectory() as cache:
        stream = IterableDataset.from_json(str(path), on_mixed_types=None, cache_dir=cache)
        return _gathered(stream, columns)


def _gathered(stream: Any, columns: Sequence[str]) -> pa.Table:
    with quiet():
        batches = [batch.select(columns) for batch in stream.with_format("arrow").iter(_BATCH_ROWS)]
    empty = pa.table({column: pa.array([], pa.string()) for column in columns})
    return pa.concat_tables(batches, promote_options="permissive") if batches else empty


def _parquet_names(path: Path) -> Sequence[str]:
    names: Sequence[str] = pq.read_schema(path).names
    return names


def _parquet_table(path: Path, columns: Sequence[str]) -> pa.Table:
    schema = pq.read_schema(path)
    for column in columns:
        check_type(path, schema.field(column))
    return parquet_stream(path, schema, columns)


def _conll_table(path: Path, columns: Sequence[str]) -> pa.Table:
    sentences = list(sentences_of(path, 2, comments=False, blanks_in_tab_files=False))
    tags = [bio_of_iob(sentence.column(-1), sentence.where) for sentence in sentences]
    return pa.table({WORDS: [sentence.column(0) for sentence in sentences], TAGS: tags}).select(columns)


_JSON = Form(_json_names, _json_table)
_CONLL = Form(lambda _path: (WORDS, TAGS), _conll_table)
FORMS: Mapping[str, Form] = {
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".jsonl": _JSON,
    ".ndjson": _JSON,
    ".parquet": Form(_parquet_names, _parquet_table, is_text=False),
    ".conll": _CONLL,
    ".bio": _CONLL,
}
"""By the ending of a file's name."""
