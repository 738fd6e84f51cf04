"""Signs of life of the process that a stack runs in: one that stands still is ended, and its stack goes on elsewhere.

Ray notices a worker that dies and a node that is gone. A process that stands still (stopped, or waiting for a device or
a file system that never answers) is alive to it, and the run would wait for ever. Signs go over the key-value store of
Ray's control service; see `ray_decisions.py`. Clocks of two machines are not compared: a sign differs from the one
before, or it does not.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import asdict
from types import TracebackType

import ray
from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_get, _internal_kv_put
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from panda_ray.execution.runners.ray_leaving.nodes import AWAY, this_node
from panda_ray.execution.store.owner import Owner, this_process

SILENT_SECONDS = 600.0
"""Without a sign. A thread gives them, so that no epoch is too long; code that holds the interpreter's lock for minutes
is longer than any that is known here."""

_SIGN_SECONDS = 5.0
_LOOK_SECONDS = 5.0


class SignsOfLife:
    """Gives them, in a worker and while the context lasts.

    Args:
        driver, stack: their ids.
    """

    def __init__(self, driver: str, stack: str) -> None:
        self._key = _key(driver, stack)
        self._process = {"node": this_node(), "owner": asdict(this_process())}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="signs of life", daemon=True)

    def __enter__(self) -> SignsOfLife:
        self._thread.start()
        return self

    def __exit__(self, of: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(*AWAY):
            _internal_kv_del(self._key)

    def _run(self) -> None:
        number = 0
        while not self._ended.is_set():
            with contextlib.suppress(*AWAY):
                _internal_kv_put(self._key, json.dumps({**self._process, "number": number}).encode())
            number += 1
            self._ended.wait(_SIGN_SECONDS)


class Silence:
    """Looks for them, in the driver.

    Args:
        driver: its id.
        clock: seconds; replaced by tests.
    """

    def __init__(self, driver: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._driver = driver
        self._clock = clock
        self._heard: dict[str, tuple[bytes, float]] = {}
        """The last sign of each stack, and when it was new."""
        self._next_look = 0.0

    def ended(self, stacks: Collection[str]) -> list[str]:
        """Stacks whose processes have been silent for too long; these are ended. Looks every few seconds.

        Args:
            stacks: ids of those that run.
        """
        if self._clock() < self._next_look:
            return []
        self._next_look = self._clock() + _LOOK_SECONDS
        with contextlib.suppress(*AWAY):
            return [stack for stack in stacks if self._ended_for_silence(stack)]
        return []

    def _ended_for_silence(self, stack: str) -> bool:
        sign, now = _internal_kv_get(_key(self._driver, stack)), self._clock()
        if sign is None:  # it has not begun, or has ended
            self._heard.pop(stack, None)
            return False
        last, since = self._heard.get(stack, (b"", now))
        if sign != last:
            self._heard[stack] = sign, now
            return False
        if now - since < SILENT_SECONDS:
            return False
        _internal_kv_del(_key(self._driver, stack))
        del self._heard[stack]
        process = json.loads(sign)
        end_there(process["node"], process["owner"])
        return True


def end_there(node: str, owner: dict[str, object]) -> None:
    """Have a process ended by another one on its node: nothing that it is asked itself would reach it."""
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    ray.remote(num_cpus=0, max_retries=0)(end).options(scheduling_strategy=there).remote(owner)


def end(owner: dict[str, object]) -> None:
    """On its node: end a process at once, if it is still the one that was meant."""
    meant = Owner(**owner)  # type: ignore[arg-type]
    if meant.machine == this_process().machine and not meant.is_gone:
        os.kill(meant.pid, signal.SIGKILL)


def _key(driver: str, stack: str) -> bytes:
    return f"panda_ray/{driver}/{stack}/alive".encode()
