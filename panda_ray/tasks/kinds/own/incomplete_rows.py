"""Rows of a user's own that no sweep takes, told when they are described and not only when a sweep is planned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from panda_ray.tasks.kinds.own.own_guess import Columns, Guess


def incomplete_rows(columns: Columns, made: Guess) -> int:
    """How many rows have no label, or nothing in all columns of a text.

    Args:
        columns: the cells of each, row by row.
    """
    texts = [names for names in (made.text, made.pair, *((choice,) for choice in made.choices)) if names]
    may_be_blank = made.kind == "extractive_qa"  # its label "" says that there is no answer
    label = columns[made.label]
    return sum(
        label[row] is None
        or (not may_be_blank and _is_blank(label[row]))
        or any(all(_is_blank(columns[name][row]) for name in names) for names in texts)
        for row in range(len(label))
    )


def _is_blank(cell: Any) -> bool:
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or (isinstance(cell, Sequence) and not cell)
