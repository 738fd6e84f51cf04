"""Who stops after an epoch: said in the driver's process, read by the worker that waits for it.

They go over the key-value store of Ray's control service, which both reach as long as there is a cluster: half a
millisecond and no process of its own, where an actor between them takes several, 130 MB and a place to run. Tune has no
way back to a function that reports. The functions with an underscore are Ray's own; tests see it when they are renamed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import dataclass

from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_get, _internal_kv_put

WAIT_SECONDS = 60.0
"""How long a worker waits for a driver that stands still; then its members go on, and it asks again an epoch later."""

_PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Decisions:
    """The way from a driver to one of its stacks.

    Args:
        driver, stack: ids, for a name that nobody else uses.
    """

    driver: str
    stack: str

    def post(self, epoch: int, stopping: Collection[str]) -> None:
        """Say in the driver which members stop after an epoch that was reported."""
        _internal_kv_put(self._key(epoch), json.dumps([*stopping]).encode())

    def wait(self, epoch: int) -> list[str]:
        """In the worker: the keys of the members that stop after an epoch; nobody where nothing is heard."""
        deadline = time.monotonic() + WAIT_SECONDS
        while (said := _internal_kv_get(self._key(epoch))) is None:
            if time.monotonic() > deadline:
                return []
            time.sleep(_PAUSE_SECONDS)
        _internal_kv_del(self._key(epoch))
        stopping: list[str] = json.loads(said)
        return stopping

    def _key(self, epoch: int) -> bytes:
        return f"panda_ray/{self.driver}/{self.stack}/{epoch}".encode()
