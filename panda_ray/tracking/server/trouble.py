"""What went wrong with tracking, in a sentence that holds the reason, and whether waiting can help.

MLflow, database drivers and the packages behind artifact stores raise exceptions of their own classes, and wrap those
of others: the words that help are those of the innermost one.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import ArgumentError

from panda_ray.errors import InputError
from panda_ray.secrets import redacted

_FEWEST_WORDS = 3
"""A message with fewer, and a KeyError's, says nothing without the one around it."""

_LASTING = (InputError, ImportError, ArgumentError, PermissionError, NotADirectoryError, IsADirectoryError)
_REFUSALS = ("UNAUTHENTICATED", "PERMISSION_DENIED", "ENDPOINT_NOT_FOUND", "INVALID_PARAMETER_VALUE")
_LASTING_WORDS = (
    "readonly database",
    "not a database",
    "malformed",
    "out-of-date database schema",
    "not in a valid json format",
    "password authentication failed",
    "access denied",
    "does not exist",
)


def reason(error: BaseException, tracking_uri: str) -> str:
    """The innermost cause that says something, whole and on one line, without the secrets that it may quote."""
    chain = list(_chain(error))
    if sentence := next((str(inner) for inner in chain if isinstance(inner, InputError)), None):
        return sentence
    for inner in reversed(chain):
        words = " ".join(str(inner).split())
        if len(words.split()) >= _FEWEST_WORDS and not isinstance(inner, KeyError):
            return redacted(words, tracking_uri)
    return redacted(f"{type(error).__name__}: {error}", tracking_uri)


def is_lasting(error: BaseException) -> bool:
    """Whether any wait is in vain: a missing package, no permission, a server that is not MLflow's."""
    return any(_is_lasting(inner) for inner in _chain(error))


def _is_lasting(error: BaseException) -> bool:
    if isinstance(error, _LASTING) or (isinstance(error, OSError) and error.errno == errno.EROFS):
        return True
    if isinstance(error, MlflowException) and error.error_code in _REFUSALS:
        return True
    return any(words in str(error).lower() for words in _LASTING_WORDS)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised for, from the outside in."""
    seen: set[int] = set()
    inner: BaseException | None = error
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        yield inner
        inner = inner.__cause__ or (None if inner.__suppress_context__ else inner.__context__)
