"""Column files on disk: which files of a release belong to one split, and their sentences.

A release of CoNLL-2012 keeps automatic annotation beside the gold one and three languages in one tree,
`<split>/data/<language>/annotations/.../x.v4_{gold,auto}_conll`. Only gold files of one language are read.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.plain_text import LINE_END, decode

LANGUAGES = ("english", "chinese", "arabic")
_SPLITS = frozenset({"train", "development", "dev", "test"})
_GOLD = re.compile(r"(?:.*[._])?gold_conll$|conll$")
_AUTO = "auto_conll"
_DOCUMENT_MARKS = ("-DOCSTART-", "#begin document", "#end document")
_BLANKS = re.compile(r"[ \t]+")
_BOM = "\ufeff"


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


@dataclass(frozen=True)
class ColumnFiles:
    """The files that are read, in order of path, and how many were left out for which reason."""

    paths: tuple[Path, ...]
    left_out: Mapping[str, int]


def find_column_files(input: Path, language: str) -> ColumnFiles:
    """A file as it is, or the gold files of one language below a folder. Links to folders are not followed.

    Raises:
        InputError: for no file, automatic annotation alone, several splits, or one document twice.
    """
    if not input.is_dir():
        _check_file(input)
        return ColumnFiles((input,), {})
    reasons = {path: _reason_against(path, input, language) for path in _walk(input)}
    paths = tuple(path for path, reason in reasons.items() if reason is None)
    left_out = Counter(reason for reason in reasons.values() if reason is not None)
    if not paths:
        instead = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        but = f", but {instead}" if instead else ""
        raise InputError(f"{input}: no *.conll or *gold_conll file for the language {language!r}{but}")
    for path in paths:
        _check_file(path)
    _check_one_split(input, paths)
    _check_documents(paths)
    return ColumnFiles(paths, left_out)


def _walk(root: Path) -> list[Path]:
    """Files whose names end with "conll", and links to folders, in order of path."""

    def fail(error: OSError) -> None:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}")

    found = []
    for folder, folders, names in os.walk(root, onerror=fail):
        found += [Path(folder, name) for name in names if name.endswith("conll")]
        found += [Path(folder, name) for name in folders if Path(folder, name).is_symlink()]
    return sorted(found)


def _reason_against(path: Path, root: Path, language: str) -> str | None:
    """Why a file is not read, as the end of "3 ..."; None if it is."""
    if path.is_symlink() and path.is_dir():
        return "links to folders"
    suffix = path.name.rpartition(".")[2]
    if suffix.endswith(_AUTO):
        return f"files with automatic annotation (*{_AUTO})"
    if not _GOLD.match(suffix):
        return f"files of another kind (*{suffix})"
    named = (*root.absolute().parts, *path.relative_to(root).parts[:-1], *path.name.split("."))
    spoken = next((part for part in reversed(named) if part in LANGUAGES), language)
    return None if spoken == language else f"files in {spoken}"


def _check_file(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path}: no such file, and no folder with *conll files")
    if not path.is_file():
        raise InputError(f"{path}: not a regular file")
    if path.name.endswith(_AUTO):
        raise InputError(f"{path}: automatic annotation; give the *gold_conll file of the same document")


def _check_one_split(root: Path, paths: Sequence[Path]) -> None:
    parts = {part for path in paths for part in (*path.relative_to(root).parts[:-1], *path.name.split("."))}
    splits = parts & _SPLITS
    if len(splits) > 1:
        raise InputError(f"{root}: holds {' and '.join(sorted(splits))}; convert one split at a time")


def _check_documents(paths: Sequence[Path]) -> None:
    """One document may lie there in several versions (v4, v9): rows of the one would repeat those of the other."""
    versions = defaultdict(list)
    for path in paths:
        versions[path.with_name(path.name.rpartition(".")[0] or path.name)].append(path.name)
    for document, names in versions.items():
        if len(names) > 1:
            raise InputError(f"{document.parent}: {' and '.join(names)} are one document; keep one of them")


def sentences_of(path: Path, columns: int, comments: bool, blanks_in_tab_files: bool) -> Iterator[Sentence]:
    """Sentences of one file; lines that mark documents hold no word.

    Args:
        columns: the fewest that a line may have.
        comments: whether every line that begins with "#" is one; otherwise "#" may be a word.
        blanks_in_tab_files: whether blanks separate columns in a file with tabs too.

    Raises:
        InputError: for an empty file, another encoding, an empty cell or a wrong number of columns.
    """
    marks = (*_DOCUMENT_MARKS, "#") if comments else _DOCUMENT_MARKS
    text = _text_of(path)
    tabs = "\t" in text and not blanks_in_tab_files
    cells: list[list[str]] = []
    start = 1
    for number, raw in enumerate([*LINE_END.split(text), ""], start=1):
        line = raw.removeprefix(_BOM)  # files that were joined have one inside
        row = _cells(line, tabs)
        if not row or line.startswith(marks):
            if cells:
                yield Sentence(f"{path}, line {start}", cells)
            cells = []
            continue
        if len(row) < columns or (cells and len(row) != len(cells[0])):
            expected = f"{len(cells[0])} as in the line before" if cells else f"at least {columns}"
            between = " between tabs" if tabs else ""
            raise InputError(f"{path}, line {number}: {len(row)} columns{between}, expected {expected}")
        if "" in row:
            raise InputError(f"{path}, line {number}: column {row.index('') + 1} is empty")
        start = start if cells else number
        cells.append(row)


def _cells(line: str, tabs: bool) -> list[str]:
    """Columns of a line; no other character than a blank or a tab separates them (U+00A0 and U+3000 are text)."""
    if not line.strip(" \t"):
        return []
    if tabs:
        return [cell.strip(" ") for cell in line.rstrip(" \t").split("\t")]
    return _BLANKS.split(line.strip(" \t"))


def _text_of(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if not content:
        raise InputError(f"{path}: is empty")
    return decode(content, str(path))
