"""The signals that end a run: SIGINT, SIGTERM and SIGHUP do the same, whatever the driver is doing.

The first one raises `KeyboardInterrupt` in the main thread: what is done is summed up, and the process ends in order.
Where stacks run it waits until they have saved (`signals_deferred`). Another one ends the process at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_INTERRUPTED = 130

_REASONS = {
    signal.SIGINT: "interrupted (SIGINT)",
    signal.SIGTERM: "terminated (SIGTERM)",
    signal.SIGHUP: "the terminal or connection is gone (SIGHUP)",
}

_SAME_SECONDS = 0.3
"""A signal that follows the first one so soon came with it: terminals, service managers and wrappers send several."""


class _State:
    """What has arrived, and what must be undone even when the process ends at once."""

    listening = False
    deferred = False
    reason: str | None = None
    at: float = 0.0
    undo: tuple[Callable[[], None], ...] = ()


@contextmanager
def signals_end_the_run() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise `KeyboardInterrupt`, whose message says which, while the context lasts.

    A signal that the parent process ignores (`nohup`, a shell's background job) stays ignored. Only a main thread can
    listen; inside of another such context this one does nothing.
    """
    if threading.current_thread() is not threading.main_thread() or _State.listening:
        yield
        return
    heard = [number for number in _REASONS if signal.getsignal(number) is not signal.SIG_IGN]
    _State.listening, _State.reason = True, None
    before = {number: signal.signal(number, _end) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        _State.listening = False


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Let the first signal raise at the end of the context, which asks `signal_pending` whether to come to one.

    Raises:
        KeyboardInterrupt: at its end, in the place of any other error: a signal has arrived.
    """
    before, _State.deferred = _State.deferred, True
    try:
        yield
    finally:
        _State.deferred = before
        raise_if_ended()


def signal_pending() -> bool:
    """Whether a signal has arrived that nothing has raised yet."""
    return _State.listening and _State.deferred and _State.reason is not None


def raise_if_ended() -> None:
    """Raise again what a signal raised and something swallowed: a finalizer, or a callback out of C.

    Raises:
        KeyboardInterrupt: a signal has arrived, and is not to be raised later.
    """
    if _State.listening and not _State.deferred and _State.reason is not None:
        raise KeyboardInterrupt(_State.reason)


def reason_of(signalled: KeyboardInterrupt) -> str:
    """What ended the run, for people; Ray raises an exception of its own in the place of ours, without a message."""
    return _State.reason or str(signalled) or _REASONS[signal.SIGINT]


@contextmanager
def undone_at_once(undo: Callable[[], None]) -> Iterator[None]:
    """Call this if the process ends at once while the context lasts; it must be quick and may be called half way."""
    before = _State.undo
    _State.undo = (undo, *before)
    try:
        yield
    finally:
        _State.undo = before


def keep_handlers() -> None:
    """Take back what a library has put in the place of our handlers, in the main thread and only while we listen."""
    if _State.listening and threading.current_thread() is threading.main_thread():
        for number in _REASONS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    if _State.reason is None:
        _State.reason, _State.at = _REASONS[signal.Signals(number)], time.monotonic()
        raise_if_ended()
        return
    if time.monotonic() - _State.at < _SAME_SECONDS:
        return
    for undo in _State.undo:
        with contextlib.suppress(Exception):
            undo()
    os._exit(EXIT_INTERRUPTED)
