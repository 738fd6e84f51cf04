from __future__ import annotations

import errno

import pytest
from mlflow.exceptions import MlflowException

from panda_ray.errors import InputError
from panda_ray.tracking.server.trouble import is_lasting, reason


class PackagesOwnError(Exception):
    """What a package behind an artifact store raises; derived from nothing that is known."""


def raised(outer: Exception, inner: Exception, explicitly: bool) -> Exception:
    try:
        try:
            raise inner
        except Exception as error:
            if explicitly:
                raise outer from error
            raise outer  # noqa: B904  the implicit chain is what is tested
    except Exception as error:
        return error


@pytest.mark.parametrize("explicitly", [True, False])
def test_the_inner_reason_is_told_whole(explicitly: bool) -> None:
    long = "Unable to locate credentials: " + "tried this and that, " * 30 + "and gave up"
    outer = MlflowException("API request to http://host failed with exception " + "x" * 300)
    assert reason(raised(outer, PackagesOwnError(long), explicitly), "http://host") == long


def test_an_inner_error_that_says_nothing_leaves_the_word_to_the_outer_one() -> None:
    outer = MlflowException("unsupported URI 'htp://x' for storage")
    assert reason(raised(outer, KeyError("htp is no scheme"), True), "htp://x") == str(outer)
    assert reason(KeyError("x"), "http://host") == "KeyError: 'x'"
    assert reason(PackagesOwnError(), "http://host") == "PackagesOwnError: "


def test_our_own_sentence_wins_and_lines_are_joined() -> None:
    sentence = InputError("a sentence with its remedy")
    assert reason(raised(sentence, ValueError("three words inside"), True), "http://host") == str(sentence)
    assert reason(ValueError("one line\n\tand another one"), "http://host") == "one line and another one"


@pytest.mark.parametrize(
    ("error", "lasts"),
    [
        (ModuleNotFoundError("No module named 'boto3'"), True),
        (PermissionError(errno.EACCES, "Permission denied"), True),
        (OSError(errno.EROFS, "Read-only file system"), True),
        (ValueError("attempt to write a readonly database"), True),
        (InputError("deleted"), True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), False),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (TimeoutError("timed out"), False),
        (MlflowException("too many 503 error responses"), False),
        (PackagesOwnError("anything"), False),
    ],
)
def test_what_no_wait_can_mend(error: Exception, lasts: bool) -> None:
    assert is_lasting(error) is lasts
    assert is_lasting(raised(MlflowException("outer"), error, False)) is lasts
