"""Answers as rows give them: one shape for every nesting, and what is wrong with those that their context lacks."""

from __future__ import annotations

from typing import Any

from panda_ray.tasks.kinds.labels import holds_null, shown

ANSWER_FIELDS = ("text", "answer_start")


def as_struct_of_lists(label: Any) -> Any:
    """SQuAD's answers, however they are nested."""
    if isinstance(label, list) and all(isinstance(answer, dict) for answer in label):
        return {field: [answer.get(field) for answer in label] for field in ANSWER_FIELDS}
    return {field: label.get(field) for field in ANSWER_FIELDS} if isinstance(label, dict) else label


def complaint(answers: Any, context: str) -> str | None:
    """Why a label is none: of a wrong type, or not where it says in the context; None for a good one."""
    if not isinstance(answers, dict):
        return f"{shown(answers)} is of type {type(answers).__name__}; {' and '.join(ANSWER_FIELDS)} are wanted"
    texts, starts = (answers[field] for field in ANSWER_FIELDS)
    if holds_null(texts) or holds_null(starts):
        return "an answer is null; an unanswerable question has empty lists"
    if not isinstance(texts, list) or not isinstance(starts, list):
        return f"{shown(texts)} at {shown(starts)}: two lists are wanted, of texts and of their starts"
    if len(texts) != len(starts):
        return f"{len(texts)} answer texts but {len(starts)} answer starts"
    places = zip(texts, starts, strict=True)
    return next((found for text, start in places if (found := _place_complaint(context, text, start))), None)


def _place_complaint(context: str, text: Any, start: Any) -> str | None:
    """An answer that its context does not hold where it says, case and blanks aside."""
    if not isinstance(text, str) or not text.strip():
        return f"answer {shown(text)} is no text"
    if isinstance(start, bool) or not isinstance(start, int):
        return f"answer {shown(text)} starts at {shown(start)}; a character's number is wanted"
    if context[max(0, start) :].startswith(text) and start >= 0:
        return None
    if not 0 <= start <= len(context) - len(text):
        return f"answer {shown(text)} at character {start} is outside the context of {len(context)} characters"
    if _bare(context[start:]).startswith(_bare(text)):
        return None
    elsewhere = context.find(text)
    hint = f"; it first occurs at {elsewhere}" if elsewhere >= 0 else "; it occurs nowhere in it"
    there = context[start : start + len(text)]
    return f"answer {shown(text)} is not at character {start} of the context, {shown(there)} is{hint}"


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()
