"""Which columns of a user's own table are read as its text: those that a person would read, and why not the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_MOST_TEXTS = 3
"""Columns that are read unless more are named: a backbone reads a few hundred words at most."""
_WORDS_OF_A_TEXT = 2.0
_WORDS_OF_A_SENTENCE = 5.0
_MOST_CATEGORIES = 50
_NAMED = 3
"""Columns that a sentence names of each sort that is left out."""
_MOSTLY = 0.9
_DATE_WORDS = re.compile(
    r"(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)[a-z]*|am|pm|t|z|utc|gmt|st|nd|rd|th"
)
_CODE = re.compile(r"[0-9]|://|@|^www\.")

SHORTER = f"shorter than the {_MOST_TEXTS} longest texts"
CATEGORIES = "few different values"
SINGLE_WORDS = "single words"
CODES = "identifiers"
DATES = "numbers or dates"
TELLS = "tells the label"
CONSTANT = "the same in every row"
EMPTY = "empty"
_TAKEN_IF_NOTHING_ELSE = (CATEGORIES, SINGLE_WORDS, CODES, TELLS, CONSTANT)


@dataclass(frozen=True)
class Texts:
    """The columns that are read, in the table's order, and the others.

    Attributes:
        why: these.
        left_out: columns by the reason.
    """

    chosen: tuple[str, ...]
    why: str
    left_out: Mapping[str, tuple[str, ...]]


def texts_among(columns: Mapping[str, Sequence[Any]], labels: Sequence[Any] | None) -> Texts:
    """Choose of columns that are neither label nor anything else.

    Args:
        labels: of the rows, where they are names of classes, which a column may give away.
    """
    reasons = {name: _reason_against(cells, labels) for name, cells in columns.items()}
    texts = [name for name, reason in reasons.items() if not reason]
    longest = sorted(texts, key=lambda name: -_words(columns[name]))[:_MOST_TEXTS]
    reasons |= {name: SHORTER for name in texts if name not in longest}
    fallback = next((reason for reason in _TAKEN_IF_NOTHING_ELSE if reason in reasons.values()), None)
    if not texts and fallback:
        longest = [name for name, reason in reasons.items() if reason == fallback][:_MOST_TEXTS]
    chosen = tuple(name for name in columns if name in longest)
    why = "the columns of words" if len(chosen) > 1 else "the column of words"
    if not texts and fallback:
        why = f"there is no column of longer texts; {fallback}"
    if not texts and fallback == TELLS:
        why = "it tells the label, so that no score on such rows says anything; there is no other text"
    left_out: dict[str, tuple[str, ...]] = {}
    for name, reason in reasons.items():
        if name not in chosen:
            left_out[reason] = (*left_out.get(reason, ()), name)
    return Texts(chosen, why, left_out)


def in_words(left_out: Mapping[str, tuple[str, ...]]) -> str:
    """The columns that are not read, the first few of each sort by name, and how to read them; "" for none."""
    if not left_out:
        return ""
    parts = []
    for reason, names in left_out.items():
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        parts.append(f"{', '.join(names[:_NAMED])}{more} ({reason})")
    return f"not read: {'; '.join(parts)}; --text COLUMN, once for each, names those to read"


def _reason_against(cells: Sequence[Any], labels: Sequence[Any] | None) -> str:
    """Why a column is not read; "" for a text."""
    full = [(place, cell) for place, cell in enumerate(cells) if cell is not None and str(cell).strip()]
    values = [cell for _, cell in full]
    different = len(set(map(str, values)))
    if not values:
        return EMPTY
    if different == 1 and len(cells) > 1:
        return CONSTANT
    if not any(isinstance(cell, str | list) for cell in values) or _mostly(_is_number_or_date(cell) for cell in values):
        return DATES
    words = _words(values)
    few = different <= min(_MOST_CATEGORIES, len(values) / 2) and words < _WORDS_OF_A_SENTENCE
    if labels is not None and _tells(values, [str(labels[place]).strip() for place, _ in full], few):
        return TELLS
    if words < _WORDS_OF_A_TEXT:
        codes = different == len(values) and _mostly(bool(_CODE.search(str(cell))) for cell in values)
        return CODES if codes else SINGLE_WORDS
    return CATEGORIES if few else ""


def _tells(values: Sequence[Any], labels: Sequence[str], few: bool) -> bool:
    """Whether a column says which class a row has: by a name of its own for each, or by the class's name in a text."""
    names = set(labels)
    if len(names) < 2:
        return False
    if few and len(set(zip(map(str, values), labels, strict=True))) == len(set(map(str, values))):
        return True
    if not all(any(letter.isalpha() for letter in name) for name in names):
        return False
    patterns = {name: re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE) for name in names}
    others = {name: next(other for other in labels if other != name) for name in names}
    said = [(str(value), name) for value, name in zip(values, labels, strict=True)]
    return _mostly(bool(patterns[name].search(text)) for text, name in said) and not _mostly(
        bool(patterns[others[name]].search(text)) for text, name in said
    )


def _is_number_or_date(cell: Any) -> bool:
    if not isinstance(cell, str):
        return False
    letters = re.findall(r"[^\W\d_]+", cell.lower())
    return any(map(str.isdigit, cell)) and len(cell) < 40 and all(map(_DATE_WORDS.fullmatch, letters))


def _words(cells: Sequence[Any]) -> float:
    """Mean number of words; 0 where cells are no texts."""
    texts = [cell if isinstance(cell, list) else cell.split() for cell in cells if isinstance(cell, str | list)]
    return sum(map(len, texts)) / len(texts) if texts else 0.0


def _mostly(each: Iterator[bool]) -> bool:
    found = list(each)
    return sum(found) > _MOSTLY * len(found)
