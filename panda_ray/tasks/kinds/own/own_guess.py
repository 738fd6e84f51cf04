"""What a table of a user's own asks, guessed from names and cells of its columns; each guess says why it was made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from panda_ray.errors import InputError, unknown_name
from panda_ray.tasks.kinds.own.own_columns import KindName

Columns = Mapping[str, Sequence[Any]]

_LABELS = (
    *("label", "labels", "tags", "ner_tags", "class", "category", "target", "sentiment", "mood"),
    *("stars", "rating", "score", "answer", "answers", "y"),
)
_PAIRS = (
    *(("premise", "hypothesis"), ("sentence1", "sentence2"), ("question1", "question2"), ("text1", "text2")),
    *(("question", "context"), ("question", "passage")),
)
_CHOICE = re.compile(r"(choice|option|ending|answer)[_ ]?([0-9]|[a-e])", re.IGNORECASE)
_MOST_NAMES = 50
_WORDS_OF_A_TEXT = 2.0


@dataclass(frozen=True)
class Said:
    """What a user said of a table; what is None, or empty, is guessed."""

    kind: KindName | None = None
    text: tuple[str, ...] = ()
    pair: tuple[str, ...] = ()
    label: str | None = None


@dataclass(frozen=True)
class Guess:
    """A task of a table.

    Attributes:
        why: by key, what the guess follows from, or that it was said.
    """

    kind: KindName
    text: tuple[str, ...]
    pair: tuple[str, ...]
    choices: tuple[str, ...]
    label: str
    why: Mapping[str, str]


def guess(columns: Columns, said: Said) -> Guess:
    """The task that a table seems to be made for.

    Raises:
        InputError: a column that was said is not there, or no column can be a label or a text.
    """
    for name in (*said.text, *said.pair, *([said.label] if said.label else [])):
        if name not in columns:
            raise unknown_name("column", name, list(columns))
    label, because = (said.label, "as you said") if said.label else _label(columns)
    kind, why_kind = (said.kind, "as you said") if said.kind else _kind(columns, label)
    choices = _choices(columns, label) if kind == "multiple_choice" else ()
    pair = said.pair or _second(columns, label, kind, said.text)
    taken = {label, *pair, *choices}
    text = said.text or _first(columns, taken, kind, pair)
    why = {
        "kind": why_kind,
        "label": because,
        "text": "as you said" if said.text else "the columns of words" if len(text) > 1 else "the column of words",
        "pair": "as you said" if said.pair else "by their names",
        "choices": "by their names",
    }
    return Guess(kind, text, pair, choices, label, why)


def _label(columns: Columns) -> tuple[str, str]:
    by_name = {name.lower(): name for name in columns}
    for known in _LABELS:
        if known in by_name:
            return by_name[known], "by its name"
    counts = {name: len(set(map(str, cells))) for name, cells in columns.items() if _hashable(cells)}
    rows = max((len(cells) for cells in columns.values()), default=0)
    few = {name: count for name, count in counts.items() if 2 <= count <= min(_MOST_NAMES, rows / 2)}
    if not few:
        raise InputError(
            f"no column looks like a label (columns: {', '.join(columns)}); name it with --label, or give the task "
            "by hand as docs/data.md says"
        )
    found = min(few, key=lambda name: (few[name], -list(columns).index(name)))
    return found, f"it has the fewest different values, {few[found]}"


def _kind(columns: Columns, label: str) -> tuple[KindName, str]:
    cells = [cell for cell in columns[label] if cell not in (None, "")]
    if any(isinstance(cell, list) for cell in cells):
        return "tagging", "a label is a list"
    if len(_choices(columns, label)) > 1:
        return "multiple_choice", "there are columns of choices"
    if _answers_stand_in(columns, label):
        return "extractive_qa", "labels stand in the context"
    numbers = [_number(cell) for cell in cells]
    distinct = len(set(map(str, cells)))
    known = [number for number in numbers if number is not None]
    has_fractions = any(not number.is_integer() for number in known)
    if known and len(known) == len(numbers) and (has_fractions or distinct > _MOST_NAMES):
        return "regression", f"the label is a number with {distinct:,} different values"
    return "classification", f"the label has {distinct:,} different values"


def _answers_stand_in(columns: Columns, label: str) -> bool:
    context = columns.get("context") or columns.get("passage")
    if context is None or "question" not in columns:
        return False
    pairs = [(str(cell), str(text)) for cell, text in zip(columns[label], context, strict=True) if cell]
    structs = any(isinstance(cell, dict) for cell in columns[label])
    return structs or (bool(pairs) and sum(cell in text for cell, text in pairs) > 0.9 * len(pairs))


def _choices(columns: Columns, label: str) -> tuple[str, ...]:
    found = tuple(name for name in columns if name != label and _CHOICE.fullmatch(name))
    return found if len(found) > 1 else ()


def _second(columns: Columns, label: str, kind: KindName, text: tuple[str, ...]) -> tuple[str, ...]:
    if kind in ("multiple_choice", "tagging"):
        return ()
    for first, second in _PAIRS:
        if first in columns and second in columns and label not in (first, second) and second not in text:
            return (second,)
    return ()


def _first(columns: Columns, taken: set[str], kind: KindName, pair: tuple[str, ...]) -> tuple[str, ...]:
    left = [name for name in columns if name not in taken]
    if pair:
        return tuple(first for first, second in _PAIRS if second in pair and first in left)[:1] or tuple(left[:1])
    looks: Callable[[str], bool] = lambda name: _words(columns[name]) >= _WORDS_OF_A_TEXT  # noqa: E731
    found = [name for name in left if looks(name)] or [name for name in left if _is_text(columns[name])]
    if not found:
        raise InputError(f"no column looks like a text (columns: {', '.join(columns)}); name it with --text")
    return tuple(found[:1] if kind == "tagging" else found)


def _words(cells: Sequence[Any]) -> float:
    """Mean number of words; 0 where cells are no texts."""
    texts = [cell if isinstance(cell, list) else cell.split() for cell in cells if isinstance(cell, str | list)]
    return sum(map(len, texts)) / len(texts) if texts else 0.0


def _is_text(cells: Sequence[Any]) -> bool:
    return any(isinstance(cell, str) and cell.strip() and _number(cell) is None for cell in cells)


def _hashable(cells: Sequence[Any]) -> bool:
    return not any(isinstance(cell, list | dict) for cell in cells)


def _number(cell: Any) -> float | None:
    try:
        return None if isinstance(cell, bool) else float(cell)
    except (TypeError, ValueError):
        return None
