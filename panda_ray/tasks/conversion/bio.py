"""Other notations of spans, turned into BIO tags (every span begins with "B-")."""

from __future__ import annotations

import re
from collections.abc import Sequence

from panda_ray.errors import InputError

_BRACKET = re.compile(r"^(?:\(([^()*]+))?\*?(\))?$")


def bio_of_iob(tags: Sequence[str], where: str) -> list[str]:
    """BIO tags from IOB tags of either kind.

    The distributed CoNLL-2003 files begin a span with "B-" only after a span of the same type (IOB1); most copies
    begin every span with it. The rule serves both: "I-" after anything but its own type begins a span.

    Raises:
        InputError: for a tag that is neither "O" nor begins with "B-" or "I-".
    """
    result, open_type = [], ""
    for word, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if tag != "O" and (prefix not in ("B", "I") or not kind):
            raise InputError(f"{where}, word {word + 1}: {tag!r} is no tag; expected O, B-TYPE or I-TYPE")
        result.append(f"B-{kind}" if prefix == "I" and kind != open_type else tag)
        open_type = kind
    return result


def bio_of_brackets(cells: Sequence[str], where: str) -> list[str]:
    """BIO tags from a column of brackets such as ``(A0*``, ``*``, ``*)``, ``(V*)`` or ``(GPE)``.

    Raises:
        InputError: for a cell of another form, nested spans, or brackets that do not match.
    """
    result, open_type = [], ""
    for word, cell in enumerate(cells):
        place = f"{where}, word {word + 1}"
        match = _BRACKET.match(cell)
        if match is None:
            raise InputError(f"{place}: {cell!r} is no bracket; expected forms such as (A0*, *, *) or (V*)")
        opened, closed = match.groups()
        if opened and open_type:
            raise InputError(f"{place}: {cell!r} opens a span inside the span of {open_type}")
        if closed and not (opened or open_type):
            raise InputError(f"{place}: {cell!r} closes a span that was never opened")
        span_type = opened or open_type
        result.append(f"{'B' if opened else 'I'}-{span_type}" if span_type else "O")
        open_type = "" if closed else span_type
    if open_type:
        raise InputError(f"{where}: the span of {open_type} is never closed")
    return result
