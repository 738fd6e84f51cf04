"""From the column files of the CoNLL shared tasks to the Parquet files that `data_root` holds.

Licensed sets are distributed as one word per line with blank lines between sentences. Named entities come as a column
of IOB tags (2003) or of brackets (OntoNotes); semantic roles as one column of brackets per predicate, which becomes
one row per predicate. docs/data.md shows the columns and commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from panda_ray.errors import InputError, unknown_name
from panda_ray.tasks.bio import bio_of_brackets, bio_of_iob
from panda_ray.tasks.tagging import CONLL03, CONLL05, CONLL12, ONTONOTES
from panda_ray.tasks.task import TaskSpec

_DOCUMENT_MARKS = ("-DOCSTART-", "#begin document", "#end document")


@dataclass(frozen=True)
class Sentence:
    """One sentence of a column file: `cells[word][column]`, and where it begins (line numbers count from 1)."""

    where: str
    cells: Sequence[Sequence[str]]

    def column(self, index: int) -> list[str]:
        return [row[index] for row in self.cells]

    @property
    def width(self) -> int:
        return len(self.cells[0])


def _conll03_rows(sentences: Iterable[Sentence]) -> Iterator[dict[str, Any]]:
    """Word first, IOB tag last."""
    for sentence in sentences:
        yield {"tokens": sentence.column(0), "ner_tags": bio_of_iob(sentence.column(-1), sentence.where)}


def _conll05_rows(sentences: Iterable[Sentence]) -> Iterator[dict[str, Any]]:
    """Word first, then anything, then the target verbs ("-" for other words), then one column per target verb."""
    sentences = list(sentences)
    verbs = _verb_column(sentences)
    for sentence in sentences:
        yield from _role_rows(sentence, 0, range(verbs + 1, sentence.width))


def _conll12_rows(sentences: Iterable[Sentence]) -> Iterator[dict[str, Any]]:
    """Word in the fourth column, roles from the twelfth to the last but one (which is coreference)."""
    for sentence in sentences:
        yield from _role_rows(sentence, 3, range(11, sentence.width - 1))


def _ontonotes_rows(sentences: Iterable[Sentence]) -> Iterator[dict[str, Any]]:
    """The same files as CoNLL-2012: word in the fourth column, entity brackets in the eleventh."""
    for sentence in sentences:
        yield {"tokens": sentence.column(3), "ner_tags": bio_of_brackets(sentence.column(10), sentence.where)}


@dataclass(frozen=True)
class Layout:
    """How one shared task lays out its columns: the task it becomes, its fewest columns, and its rows."""

    task: TaskSpec
    columns: int
    rows: Callable[[Iterable[Sentence]], Iterator[dict[str, Any]]]


LAYOUTS: Mapping[str, Layout] = {
    "conll03": Layout(CONLL03, 2, _conll03_rows),
    "conll05": Layout(CONLL05, 2, _conll05_rows),
    "conll12": Layout(CONLL12, 12, _conll12_rows),
    "ontonotes": Layout(ONTONOTES, 12, _ontonotes_rows),
}


def convert_conll(input: Path, output: Path, layout: str) -> int:
    """Convert one split.

    Args:
        input: a column file, or a folder whose `*conll` files (searched recursively, in order of path) are read.
        output: the Parquet file to write, for example `DIR/conll05/train.parquet`.
        layout: "conll03", "conll05", "conll12" or "ontonotes".

    Returns:
        Number of rows written.

    Raises:
        InputError: for an unknown layout, no file, lines that do not fit the layout, or a tag that the task lacks.
    """
    if layout not in LAYOUTS:
        raise unknown_name("layout", layout, LAYOUTS)
    chosen = LAYOUTS[layout]
    sentences = (sentence for path in _files(input) for sentence in _sentences(path, chosen.columns))
    rows = list(chosen.rows(sentences))
    if not rows:
        raise InputError(f"{input}: no sentence with a {chosen.task.label_column!r} in it")
    _check_tags(chosen.task, input, rows)
    types = {"tokens": pa.list_(pa.string()), "predicate": pa.string(), chosen.task.label_column: pa.list_(pa.string())}
    schema = pa.schema([(column, types[column]) for column in chosen.task.columns])
    output.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), output, compression="zstd")
    return len(rows)


def _files(input: Path) -> list[Path]:
    files = [input] if input.is_file() else sorted(input.rglob("*conll"))
    if not files:
        raise InputError(f"{input}: no such file, and no folder with *conll files")
    return files


def _sentences(path: Path, columns: int) -> Iterator[Sentence]:
    """Sentences of one file; lines that mark documents hold no word."""
    cells: list[list[str]] = []
    start = 1
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate([*lines, ""], start=1):
        row = line.split()
        if not row or line.startswith(_DOCUMENT_MARKS):
            if cells:
                yield Sentence(f"{path}, line {start}", cells)
            cells = []
            continue
        if len(row) < columns or (cells and len(row) != len(cells[0])):
            expected = f"{len(cells[0])} as in the line before" if cells else f"at least {columns}"
            raise InputError(f"{path}, line {number}: {len(row)} columns, expected {expected}")
        start = start if cells else number
        cells.append(row)


def _verb_column(sentences: Sequence[Sentence]) -> int:
    """The column of target verbs: the one with as many verbs as columns follow it, in every sentence."""
    fitting = [
        column
        for column in range(1, min((sentence.width for sentence in sentences), default=0))
        if all(
            sum(cell != "-" for cell in sentence.column(column)) == sentence.width - column - 1
            for sentence in sentences
        )
    ]
    if len(fitting) != 1:
        where = sentences[0].where if sentences else "empty input"
        raise InputError(
            f"{where}: found {len(fitting)} columns that could name the target verbs, expected one; it holds '-' for "
            "every other word and is followed by one column of roles per verb"
        )
    return fitting[0]


def _role_rows(sentence: Sentence, word_column: int, role_columns: Iterable[int]) -> Iterator[dict[str, Any]]:
    words = sentence.column(word_column)
    for column in role_columns:
        where = f"{sentence.where}, column {column + 1}"
        tags = bio_of_brackets(sentence.column(column), where)
        if "B-V" not in tags:
            raise InputError(f"{where}: no word is marked as the verb, (V*), of these roles")
        yield {"tokens": words, "predicate": words[tags.index("B-V")], "srl_tags": tags}


def _check_tags(task: TaskSpec, input: Path, rows: Sequence[dict[str, Any]]) -> None:
    for tag in sorted({tag for row in rows for tag in row[task.label_column]}):
        if tag not in task.labels:
            raise unknown_name("tag", tag, task.labels, where=str(input))
