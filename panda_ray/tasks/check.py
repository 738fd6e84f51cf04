"""What a task's data looks like to a backbone: rows, labels, lengths, fingerprint, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from panda_ray.errors import InputError
from panda_ray.tasks.rows.loading import MissingData, as_task_rows, read_splits
from panda_ray.tasks.rows.table import SplitTable
from panda_ray.tasks.rows.validation import problems
from panda_ray.tasks.task import TaskSpec

_NO_LIMIT = 1 << 20
"""Tokens per row where nothing shall be cut."""


@dataclass(frozen=True)
class Lengths:
    """Tokens per encoded row before truncation, special tokens included."""

    mean: float
    median: float
    p95: float
    max: int
    truncated: float
    """Share of rows longer than `max_len`; or of questions whose context needs several windows."""


@dataclass(frozen=True)
class SplitReport:
    """One split: where it is, how many rows, how often each label occurs, how long its texts are."""

    where: str
    rows: int
    labels: Mapping[str, int]
    lengths: Lengths


@dataclass(frozen=True)
class TaskReport:
    """One task; where there are problems the splits and the fingerprint are None."""

    task: str
    fingerprint: str | None
    train: SplitReport | None
    dev: SplitReport | None
    problems: tuple[str, ...]


def check_task(spec: TaskSpec, data_root: str | None, tokenizer: Any, max_len: int) -> TaskReport:
    """Look at every row of a task.

    Raises:
        MissingData: if the rows are not there at all.
    """
    try:
        train, dev = read_splits(spec, data_root, None, None)
    except MissingData:
        raise
    except InputError as error:
        return TaskReport(spec.name, None, None, None, (str(error),))
    found = (*problems(spec, train), *problems(spec, dev))
    if found:
        return TaskReport(spec.name, None, None, None, found)
    return TaskReport(
        spec.name,
        as_task_rows(spec, train, dev).fingerprint,
        _split_report(spec, train, tokenizer, max_len),
        _split_report(spec, dev, tokenizer, max_len),
        (),
    )


def _split_report(spec: TaskSpec, table: SplitTable, tokenizer: Any, max_len: int) -> SplitReport:
    tokens_R = spec.encode(table.rows, tokenizer, _NO_LIMIT).lengths_R.numpy()
    lengths = Lengths(
        mean=float(tokens_R.mean()),
        median=float(np.median(tokens_R)),
        p95=float(np.percentile(tokens_R, 95)),
        max=int(tokens_R.max()),
        truncated=float((tokens_R > max_len).mean()),
    )
    return SplitReport(table.where, len(table.rows), _label_counts(spec, table), lengths)


def _label_counts(spec: TaskSpec, table: SplitTable) -> dict[str, int]:
    """How often each label occurs, under the names that the task's kind gives them."""
    values = (value for row in table.rows for value in spec.kind.values(row[spec.label_column]))
    return dict(sorted(Counter(spec.kind.value_name(spec, value) for value in values).items()))
