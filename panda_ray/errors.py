"""Errors that a user can mend: one sentence that names the value, the place and what is allowed.

Everything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """The user's input (sweep file, data set, option) is wrong; the message says what, where and what is allowed."""


_SHOWN = 80
"""Characters of a value that a message shows."""


def shown(value: object) -> str:
    """A value for a message, not longer than a line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


def unknown_name(what: str, name: str, allowed: Iterable[str], where: str = "") -> InputError:
    """An `InputError` for a misspelt name, with the nearest valid one.

    Args:
        what: what the name stands for ("task", "method", ...).
        name: what the user wrote.
        allowed: the valid names.
        where: file and line, if known.
    """
    choices = sorted(allowed)
    close = difflib.get_close_matches(name, choices, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    place = f"{where}: " if where else ""
    return InputError(f"{place}unknown {what} {shown(name)}{hint} (allowed: {', '.join(choices)})")
