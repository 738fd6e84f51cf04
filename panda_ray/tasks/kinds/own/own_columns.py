"""What a kind asks of the rows of a user's own, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from panda_ray.tasks.task import Row, TaskSpec

KindName = Literal["classification", "regression", "multiple_choice", "tagging", "extractive_qa"]
"""What rows of one's own may be asked."""
MeasureName = Literal["accuracy", "f1", "matthews", "pearson_spearman_mean", "span_f1", "squad_f1"]
ColumnKey = Literal["text", "pair", "choices", "labels"]
"""What a user may say besides the column of the label."""

MOST_CLASSES = 1_000
"""Names of classes or tags that can be learnt."""

Template = Callable[["Row"], Any]
Templates = Callable[[tuple[str, ...], tuple[str, ...], tuple[str, ...]], tuple[Template, Template | None]]
"""Makes both templates of the columns `text`, `pair` and `choices`."""


def _as_it_is(_spec: TaskSpec, row: Row) -> dict[str, Any]:
    return dict(row)


@dataclass(frozen=True)
class OwnColumns:
    """How the rows of a user's own are read for a kind.

    Attributes:
        measures: that may score them, the usual one first.
        label: what the cell of a row's label means.
        texts: the row with its texts as they are meant.
        needs: keys that must be said, beside `text` and the label's.
        takes: those that may be.
        single: those that name one column.
    """

    measures: tuple[MeasureName, ...]
    templates: Templates
    label: Callable[[TaskSpec, Row], Any]
    texts: Callable[[TaskSpec, Row], dict[str, Any]] = _as_it_is
    needs: tuple[ColumnKey, ...] = ()
    takes: tuple[ColumnKey, ...] = ()
    single: tuple[ColumnKey, ...] = ()
