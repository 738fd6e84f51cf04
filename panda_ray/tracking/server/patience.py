"""How long anyone waits for a tracking server: as long as it answers, and no longer.

A connection whose other end keeps it open and says nothing holds a thread for ever; no time limit of a database driver
ends that. So everything that asks MLflow runs in a daemon thread, each answer is a beat, and who waits for the thread
leaves it behind when the beats stop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from mlflow import MlflowClient

STALL_SECONDS = 60.0
"""Without an answer. MLflow's own limit for one request over HTTP, tried twice, is shorter: see `client.py`."""

Value = TypeVar("Value")


class SilentError(TimeoutError):
    """A server or database that keeps its connection open and does not answer."""

    def __init__(self) -> None:
        super().__init__(f"it keeps the connection open and has not answered for {STALL_SECONDS:.0f} s")


class Pulse:
    """When there was an answer last."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def beat(self) -> None:
        """There is an answer."""
        self._last = time.monotonic()

    @property
    def stopped(self) -> bool:
        """Whether there has been none for too long."""
        return time.monotonic() - self._last > STALL_SECONDS


class _Attended:
    """A client each of whose answers is a beat."""

    def __init__(self, client: MlflowClient, pulse: Pulse) -> None:
        self._client = client
        self._pulse = pulse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._pulse.beat()
            answer = found(*arguments, **named)
            self._pulse.beat()
            return answer

        return call


def attended(client: MlflowClient, pulse: Pulse) -> MlflowClient:
    """The same client, with a beat before and after each call."""
    return cast("MlflowClient", _Attended(client, pulse))


def patiently(work: Callable[[Pulse], Value]) -> Value:
    """Do something with a server as long as it answers.

    Raises:
        SilentError: when the beats stopped; the thread is left behind.
        Exception: whatever `work` raises.
    """
    pulse = Pulse()
    values: list[Value] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            values.append(work(pulse))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="mlflow-reader", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)
        if pulse.stopped and thread.is_alive():
            raise SilentError
    if errors:
        raise errors[0]
    return values[0]
