"""A training that is asked to stop for now: it saves what it has and ends, and another process goes on from there."""

from __future__ import annotations

from collections.abc import Callable

Halt = Callable[[], bool]
"""Whether somebody wants the training to stop for now. Asked at every step, so it must take microseconds."""


class HaltedError(Exception):
    """The training was asked to stop for now; its state, if it has a place for one, is saved."""


def never() -> bool:
    """Nobody asks."""
    return False


def end_if_asked(halt: Halt) -> None:
    """Raise where somebody wants the training to stop.

    Raises:
        HaltedError: somebody does.
    """
    if halt():
        raise HaltedError
