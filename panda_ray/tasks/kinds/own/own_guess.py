"""What a table of a user's own asks, guessed from names and cells of its columns; each guess says why it was made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from panda_ray.errors import InputError, unknown_name
from panda_ray.tasks.kinds.own.own_columns import MOST_CLASSES, KindName
from panda_ray.tasks.kinds.own.own_texts import Texts, texts_among

Columns = Mapping[str, Sequence[Any]]

_LABELS = (
    *("label", "labels", "tags", "ner_tags", "class", "category", "target", "sentiment", "mood"),
    *("stars", "rating", "score", "answer", "answers", "y"),
)
_PAIRS = (
    *(("premise", "hypothesis"), ("sentence1", "sentence2"), ("question1", "question2"), ("text1", "text2")),
    *(("question", "context"), ("question", "passage"), ("question", "sentence")),
)
_CHOICE = re.compile(r"(choice|option|ending|answer)[_ ]?([0-9]|[a-e])", re.IGNORECASE)
_MOST_NAMES = 50
_NAMED = 10
"""Columns that a sentence names."""


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
        left_out: columns that are not read though they might be, by the reason; none where the texts were said.
    """

    kind: KindName
    text: tuple[str, ...]
    pair: tuple[str, ...]
    choices: tuple[str, ...]
    label: str
    why: Mapping[str, str]
    left_out: Mapping[str, tuple[str, ...]]


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
    names = columns[label] if kind == "classification" else None
    texts = texts_among({name: cells for name, cells in columns.items() if name not in taken}, names)
    text, why_text = (said.text, "as you said") if said.text else _first(columns, texts, kind, pair)
    why = {
        "kind": why_kind,
        "label": because,
        "text": why_text,
        "pair": "as you said" if said.pair else "by their names",
        "choices": "by their names",
    }
    return Guess(kind, text, pair, choices, label, why, {} if said.text or pair else texts.left_out)


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
            f"no column looks like a label (columns: {_listed(columns)}); name it with --label, or give the task "
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
    if distinct < 2 or distinct > MOST_CLASSES:
        raise InputError(
            f"column {label!r} has {distinct:,} different labels in {len(columns[label]):,} rows; from 2 to "
            f"{MOST_CLASSES:,} can be learnt: name another one with --label, or say --kind"
        )
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


def _first(columns: Columns, texts: Texts, kind: KindName, pair: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The columns of the first text, and why these."""
    for first, second in _PAIRS:
        if second in pair and first in columns:
            return (first,), "by its name"
    if not texts.chosen:
        raise InputError(f"no column looks like a text (columns: {_listed(columns)}); name it with --text")
    if kind == "tagging" or pair:
        return texts.chosen[:1], "the first column of words"
    return texts.chosen, texts.why


def _listed(columns: Columns) -> str:
    """The first few names, and how many there are beside them."""
    names, more = list(columns), len(columns) - _NAMED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_NAMED])} and {more:,} more"


def _hashable(cells: Sequence[Any]) -> bool:
    return not any(isinstance(cell, list | dict) for cell in cells)


def _number(cell: Any) -> float | None:
    try:
        return None if isinstance(cell, bool) else float(cell)
    except (TypeError, ValueError):
        return None
