"""Whose fault lost workers are: their node's, which is going away or gone, or their own.

Only the latter uses up what a stack may lose. Ray knows at once of a process that died, but not of a node: it finds one
gone 14 seconds after its processes ended, and 64 to 75 seconds after a host fell silent.
"""

from __future__ import annotations

import time
from collections.abc import Collection

from panda_ray.execution.runners.ray_leaving.nodes import is_leaving
from panda_ray.execution.runners.ray_leaving.workers import died_alone, node_of

MAX_DEATHS = 10
"""Losses that a stack may have though its nodes stay; one that takes down worker after worker (no host memory, say) has
failed."""

_DOUBT_SECONDS = 90.0
"""How long Ray may need to notice that a node is gone."""


class Loss:
    """Workers of a stack that are no more, since now.

    Args:
        workers: ids of theirs; none where they are not known.
    """

    def __init__(self, workers: Collection[str]) -> None:
        self._workers = frozenset(workers)
        self._doubted_until = time.monotonic() + _DOUBT_SECONDS

    def is_preemption(self) -> bool | None:
        """Whether a node took them along; None as long as nobody knows.

        A process that died alone may turn out to have been the first sign of a node that goes.
        """
        nodes = {node for worker in self._workers if (node := node_of(worker)) is not None}
        if any(map(is_leaving, nodes)):
            return True
        if nodes and not any(map(died_alone, self._workers)) and time.monotonic() < self._doubted_until:
            return None
        return False


class Losses:
    """What one stack has lost."""

    def __init__(self) -> None:
        self._all: list[Loss] = []

    def add(self, loss: Loss) -> None:
        self._all.append(loss)

    @property
    def left(self) -> int:
        """How many workers of the stack may still die; negative for a stack that has failed."""
        return MAX_DEATHS - sum(loss.is_preemption() is False for loss in self._all)


def too_many_deaths() -> str:
    """What is said of a stack that failed so."""
    return f"its worker died {MAX_DEATHS + 1} times, without an error of its own; is there enough memory?"
