"""From the column files of the CoNLL shared tasks to the Parquet files that `data_root` holds.

Licensed sets are distributed as one word per line with blank lines between sentences. Named entities come as a column
of IOB tags (2003) or of brackets (OntoNotes); semantic roles as one column of brackets per predicate, which becomes
one row per predicate. docs/data.md shows the columns and commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from panda_ray.errors import InputError, unknown_name
from panda_ray.tasks.conversion.bio import bio_of_brackets, bio_of_iob
from panda_ray.tasks.conversion.conll_files import LANGUAGES, Sentence, find_column_files, sentences_of
from panda_ray.tasks.specs.ner_srl import CONLL03, CONLL05, CONLL12, ONTONOTES
from panda_ray.tasks.task import TaskSpec


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
    """How one shared task lays out its columns.

    Attributes:
        task: what it becomes.
        columns: the fewest that a line has.
        comments: whether lines that begin with "#" are comments; "#" may be a word otherwise.
        blanks_in_tab_files: whether blanks separate columns in files with tabs too, as `paste words props` makes them.
    """

    task: TaskSpec
    columns: int
    rows: Callable[[Iterable[Sentence]], Iterator[dict[str, Any]]]
    comments: bool = False
    blanks_in_tab_files: bool = False


LAYOUTS: Mapping[str, Layout] = {
    "conll03": Layout(CONLL03, 2, _conll03_rows),
    "conll05": Layout(CONLL05, 2, _conll05_rows, blanks_in_tab_files=True),
    "conll12": Layout(CONLL12, 12, _conll12_rows, comments=True),
    "ontonotes": Layout(ONTONOTES, 12, _ontonotes_rows, comments=True),
}


@dataclass(frozen=True)
class Conversion:
    """What was converted.

    Attributes:
        rows, files: how many were written and read.
        left_out: files of the folder that were not read, by reason.
    """

    rows: int
    files: int
    left_out: Mapping[str, int]


def convert_conll(input: Path, output: Path, layout: str, language: str = "english") -> Conversion:
    """Convert one split.

    Args:
        input: a column file, or a folder whose `*.conll` and `*gold_conll` files of one language (searched
            recursively, in order of path) are read.
        output: the Parquet file to write, for example `DIR/conll05/train.parquet`.
        layout: "conll03", "conll05", "conll12" or "ontonotes".
        language: "english", "chinese" or "arabic": of a folder's files that name theirs in their path.

    Raises:
        InputError: for an unknown layout, no file, lines that do not fit the layout, or a tag that the task lacks.
    """
    if layout not in LAYOUTS:
        raise unknown_name("layout", layout, LAYOUTS)
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)
    chosen = LAYOUTS[layout]
    files = find_column_files(input, language)
    sentences = (
        sentence
        for path in files.paths
        for sentence in sentences_of(path, chosen.columns, chosen.comments, chosen.blanks_in_tab_files)
    )
    rows = list(chosen.rows(sentences))
    if not rows:
        raise InputError(f"{input}: no sentence with a {chosen.task.label_column!r} in it")
    _check_tags(chosen.task, input, rows)
    types = {"tokens": pa.list_(pa.string()), "predicate": pa.string(), chosen.task.label_column: pa.list_(pa.string())}
    schema = pa.schema([(column, types[column]) for column in chosen.task.columns])
    _write(pa.Table.from_pylist(rows, schema=schema), output)
    return Conversion(len(rows), len(files.paths), files.left_out)


def _write(table: pa.Table, output: Path) -> None:
    """Write a Parquet file in one step: what was there before stays until all of the new one is."""
    temporary = output.with_name(f".{output.name}.new")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, temporary, compression="zstd")
        temporary.replace(output)
    except OSError as error:
        raise InputError(f"{output} cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


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
