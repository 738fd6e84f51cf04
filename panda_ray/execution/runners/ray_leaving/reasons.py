"""Why a running stack stops for now: its node is going away, its driver pauses, or it goes on with more workers.

Said here, seen by its workers.

A spot instance gets notice seconds before it goes; whoever manages the nodes then tells Ray to *drain* it, and Ray
starts nothing there any more. What runs goes on until the machine is gone, so each worker looks for its own node among
those that drain: 2 ms, twice a second, in a thread. A driver's word goes over the key-value store of Ray's control
service; see `ray_decisions.py`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection
from types import TracebackType
from typing import Literal

from ray.exceptions import RayActorError
from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_get, _internal_kv_put

from panda_ray.execution.runners.ray_leaving.nodes import AWAY, draining, this_node

_LOOK_SECONDS = 0.5

Reason = Literal["preempted", "paused", "enlarged"]


class PreemptedError(RayActorError):
    """A worker left its node, which is going away.

    Tune starts its trial elsewhere and does not count it as a failure, as it does where Ray itself says so.

    Args:
        worker: its id.
    """

    def __init__(self, worker: str) -> None:
        super().__init__(worker, "the node of this worker is going away", preempted=True)


class Halting:
    """Watches, in a worker and while the context lasts, for a reason to stop for now.

    Args:
        driver, stack: their ids.
        others: ids of nodes that the stack needs besides the one that this process runs on.

    Attributes:
        reason: why the stack should save and stop; None as long as it should not.
    """

    def __init__(self, driver: str, stack: str, others: Collection[str] = ()) -> None:
        self._driver, self._stack = driver, stack
        self._nodes = frozenset({this_node(), *others})
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="halting", daemon=True)
        self.reason: Reason | None = None

    def __enter__(self) -> Halting:
        self.look()
        self._thread.start()
        return self

    def __exit__(self, of: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def wanted(self) -> bool:
        """What the engine calls `Halt`."""
        return self.reason is not None

    def look(self) -> Reason | None:
        """Look now; returns the reason."""
        if _internal_kv_get(_key(self._driver)) is not None:
            self.reason = "paused"
        elif not self._nodes.isdisjoint(draining()):
            self.reason = "preempted"
        elif _internal_kv_get(_key_of_stack(self._driver, self._stack)) is not None:
            self.reason = "enlarged"
        return self.reason

    def _watch(self) -> None:
        while self.reason is None and not self._ended.wait(_LOOK_SECONDS):
            with contextlib.suppress(*AWAY):
                self.look()


def pause(driver: str) -> None:
    """Tell all stacks of a driver to save and stop."""
    _internal_kv_put(_key(driver), b"")


def unpause(driver: str) -> None:
    """Forget what `pause` said: the cluster may outlive the driver."""
    _internal_kv_del(_key(driver))


def enlarge(driver: str, stack: str) -> None:
    """Tell a stack to save and stop, to go on with more workers."""
    _internal_kv_put(_key_of_stack(driver, stack), b"")


def forget_enlarging(driver: str, stack: str) -> None:
    """Forget what `enlarge` said, before the stack starts again."""
    _internal_kv_del(_key_of_stack(driver, stack))


def _key(driver: str) -> bytes:
    return f"panda_ray/{driver}/pause".encode()


def _key_of_stack(driver: str, stack: str) -> bytes:
    return f"panda_ray/{driver}/{stack}/enlarge".encode()
