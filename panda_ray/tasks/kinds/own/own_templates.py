"""The texts of a user's own rows: columns by name, as data that travels and enters keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from panda_ray.errors import InputError
from panda_ray.tasks.task import Row

Both = tuple[Callable[[Row], Any], Callable[[Row], Any] | None]
"""The templates of a task."""


@dataclass(frozen=True)
class JoinedText:
    """The texts of some columns, joined by a blank."""

    columns: tuple[str, ...]

    def __call__(self, row: Row) -> str:
        text = " ".join(part for column in self.columns if (part := row[column].strip()))
        if not text:
            raise InputError(f"column {self.columns[0]!r}: the text is empty; remove the row or fill it in")
        return text


@dataclass(frozen=True)
class OneText:
    """The value of one column as it is: a context whose characters are counted, or a list of words."""

    columns: tuple[str, ...]

    def __call__(self, row: Row) -> Any:
        return row[self.columns[0]]


@dataclass(frozen=True)
class Repeated:
    """The joined text of some columns, once for each of several choices."""

    columns: tuple[str, ...]
    times: int

    def __call__(self, row: Row) -> tuple[str, ...]:
        return (JoinedText(self.columns)(row),) * self.times


@dataclass(frozen=True)
class Choices:
    """The text of each of some columns."""

    columns: tuple[str, ...]

    def __call__(self, row: Row) -> tuple[str, ...]:
        return tuple(JoinedText((column,))(row) for column in self.columns)


def columns_used(template: Callable[[Row], Any] | None) -> list[str]:
    """The columns that one of these makes its text of, in their order; none for no template."""
    return [] if template is None else list(template.columns)  # type: ignore[attr-defined] # the four above


def one_or_two(text: tuple[str, ...], pair: tuple[str, ...], _choices: tuple[str, ...]) -> Both:
    """A text, and a second one where there is one."""
    return JoinedText(text), JoinedText(pair) if pair else None


def with_choices(text: tuple[str, ...], _pair: tuple[str, ...], choices: tuple[str, ...]) -> Both:
    """A text with each of its choices."""
    return Repeated(text, len(choices)), Choices(choices)


def words(text: tuple[str, ...], _pair: tuple[str, ...], _choices: tuple[str, ...]) -> Both:
    """The words of one column."""
    return OneText(text), None


def asked_of_context(text: tuple[str, ...], pair: tuple[str, ...], _choices: tuple[str, ...]) -> Both:
    """A question and the context that its answer's place is counted in."""
    return JoinedText(text), OneText(pair)
