"""Lists of a file in which nothing stands twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

Item = TypeVar("Item")


def unique(what: str, name: Callable[[Any], Any] = lambda item: item) -> AfterValidator:
    """A list in which no two items have the same name.

    Args:
        what: an item is, for the message.
    """

    def check(items: Sequence[Item]) -> Sequence[Item]:
        seen = set()
        for index, item in enumerate(items):
            if name(item) in seen:
                said = {"what": what, "name": repr(name(item)), "at": index}
                raise PydanticCustomError("duplicate", "the {what} {name} is listed twice", said)
            seen.add(name(item))
        return items

    return AfterValidator(check)
