"""Where a task's rows come from: the project itself, a folder of Parquet files, a file of the user's, or the Hub.

`data_root` replaces the Hub: it holds a folder per task, with the splits `train` and `validation` in any of the layouts
of `layout.py` and with the Hub's columns (see docs/data.md). Nothing is trained on rows that `validation.py` finds a
problem with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from panda_ray.errors import InputError
from panda_ray.tasks.caching.fetched import is_url, local_folder
from panda_ray.tasks.rows.fingerprint import fingerprint
from panda_ray.tasks.rows.hub import fetch
from panda_ray.tasks.rows.layout import find_split
from panda_ray.tasks.rows.own.own_files import own_files
from panda_ray.tasks.rows.own.own_rows import own_splits, what_is_asked
from panda_ray.tasks.rows.table import SplitTable, columns_of, in_normal_form, read_parquet, sample_numbers
from panda_ray.tasks.rows.validation import problems
from panda_ray.tasks.task import BuiltinOrigin, FileOrigin, HubOrigin, TaskSpec, UserOrigin


class MissingData(InputError):  # noqa: N818  what happened, not a mistake of the user
    """The rows of one task are not there (a licensed set, or `data_root` lacks it); a grid can go on without it."""


@dataclass(frozen=True)
class TaskRows:
    """The rows of a task in use, labels as codes.

    Attributes:
        fingerprint: hash of exactly these rows; enters every key.
        train_where, dev_where: file (or origin) of each split, for messages.
    """

    train: list[dict[str, Any]]
    dev: list[dict[str, Any]]
    fingerprint: str
    train_where: str
    dev_where: str


def load_rows(
    spec: TaskSpec,
    data_root: str | None = None,
    max_train_rows: int | None = None,
    max_dev_rows: int | None = None,
) -> TaskRows:
    """Rows of a task, validated; a row limit is a seeded sample that keeps the order.

    Raises:
        MissingData: for a set that is not there and that a grid can do without.
        InputError: for rows that cannot be trained on, with file, row and column of the first problem.
    """
    tables = read_splits(spec, data_root, max_train_rows, max_dev_rows)
    for table in tables:
        first_problem = next(problems(spec, table), None)
        if first_problem is not None:
            raise InputError(first_problem)
    return as_task_rows(spec, *tables)


def as_task_rows(spec: TaskSpec, train: SplitTable, dev: SplitTable) -> TaskRows:
    """Both splits with the fingerprint of their rows."""
    asked = what_is_asked(spec) if isinstance(spec.origin, FileOrigin) else None
    hashed = fingerprint({"train": train.rows, "dev": dev.rows}, columns_of(spec), asked)
    return TaskRows(train.rows, dev.rows, hashed, train.where, dev.where)


def read_splits(
    spec: TaskSpec, data_root: str | None, max_train_rows: int | None, max_dev_rows: int | None
) -> tuple[SplitTable, SplitTable]:
    """(train, dev) in normal form, problems not yet looked for.

    Raises:
        MissingData, InputError: as `load_rows`, but for problems inside the rows.
    """
    if isinstance(spec.origin, FileOrigin):
        return own_splits(spec, spec.origin, max_train_rows, max_dev_rows)
    files = split_files(spec, data_root)
    return _split(spec, files, "train", max_train_rows), _split(spec, files, "validation", max_dev_rows)


def read_dev(
    spec: TaskSpec, data_root: str | None, max_train_rows: int | None, max_dev_rows: int | None
) -> list[dict[str, Any]]:
    """The dev rows alone, which take a second where the training rows may take a minute; arguments as `read_splits`.

    Raises:
        MissingData, InputError: as `read_splits`.
    """
    if isinstance(spec.origin, FileOrigin):
        return own_splits(spec, spec.origin, max_train_rows, max_dev_rows)[1].rows
    return _split(spec, split_files(spec, data_root), "validation", max_dev_rows).rows


def split_files(spec: TaskSpec, data_root: str | None) -> tuple[Sequence[Path], Sequence[Path]] | None:
    """(train, dev) files of a task, fetched if need be; None for rows that the project generates.

    A dev split that is a part of the training file has none.

    Raises:
        MissingData: for a set that is not there and that a grid can do without.
        InputError: for a folder that is none, or a Hub that cannot be reached.
    """
    if isinstance(spec.origin, BuiltinOrigin):
        return None
    if isinstance(spec.origin, FileOrigin):
        whose = f"task {spec.name!r}: "
        return own_files(spec.origin.data, whose), own_files(spec.origin.dev, whose)
    if data_root is not None:
        return _local_files(spec, data_root, "train"), _local_files(spec, data_root, "validation")
    if isinstance(spec.origin, HubOrigin):
        return fetch(spec.name, spec.origin)
    raise MissingData(
        f"task {spec.name!r} is yours to bring ({spec.origin.reason}): set data_root: DIR and put it into "
        f"DIR/{spec.name}/train.parquet and validation.parquet, see docs/data.md"
    )


def _split(
    spec: TaskSpec, files: tuple[Sequence[Path], Sequence[Path]] | None, split: str, limit: int | None
) -> SplitTable:
    """In normal form."""
    if isinstance(spec.origin, BuiltinOrigin):
        return in_normal_form(spec, _generated(spec, spec.origin, split, limit))
    assert files is not None, "only built-in rows are not in files"
    return in_normal_form(spec, read_parquet(spec, files[split == "validation"], limit))


def _generated(spec: TaskSpec, origin: BuiltinOrigin, split: str, limit: int | None) -> SplitTable:
    rows = origin.generate(split)
    numbers = sample_numbers(len(rows), limit)
    return SplitTable(f"built-in {spec.name}, {split}", [rows[number] for number in numbers], numbers)


def _local_files(spec: TaskSpec, data_root: str, split: str) -> Sequence[Path]:
    if not is_url(data_root) and not local_folder(data_root).is_dir():
        raise InputError(f"data_root: {data_root} is not a folder; it must hold <task>/train.parquet for each task")
    folder = f"{data_root.rstrip('/')}/{spec.name}"
    files = find_split(local_folder(folder), tuple(dict.fromkeys((split, _hub_name(spec, split)))))
    if not files:
        licence = f" ({spec.origin.reason})" if isinstance(spec.origin, UserOrigin) else ""
        path = f"{folder}/{split}.parquet"
        raise MissingData(f"task {spec.name!r}: {path} does not exist{licence}; see docs/data.md for its columns")
    return files


def _hub_name(spec: TaskSpec, split: str) -> str:
    """What the Hub calls a split: `validation_matched` is MNLI's `validation`."""
    if not isinstance(spec.origin, HubOrigin):
        return split
    pattern = spec.origin.train if split == "train" else spec.origin.validation
    return pattern.rpartition("/")[2].partition("-")[0] if "-" in pattern.rpartition("/")[2] else split
