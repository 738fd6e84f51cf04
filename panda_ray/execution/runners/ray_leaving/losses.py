"""Whose fault a lost worker is: its node's, which is going away or gone, or its own.

Only the latter uses up what a stack may lose. Of a host that vanishes Ray may hear of the processes first, and of the
node seconds later, so that a loss is judged again each time.
"""

from __future__ import annotations

from collections.abc import Collection

from panda_ray.execution.runners.ray_leaving.nodes import is_leaving

MAX_DEATHS = 10
"""Workers or groups of them that a stack may lose though their nodes stay; one that takes down worker after worker (no
host memory, say) has failed."""


class Losses:
    """What one stack has lost."""

    def __init__(self) -> None:
        self._nodes: list[frozenset[str]] = []

    def add(self, nodes: Collection[str]) -> bool:
        """Take note of a loss; whether the nodes took the workers along.

        Args:
            nodes: of the workers that are no more; none where they are not known.
        """
        self._nodes.append(frozenset(nodes))
        return _is_preemption(self._nodes[-1])

    @property
    def left(self) -> int:
        """How many workers of the stack may still die; negative for a stack that has failed."""
        return MAX_DEATHS - sum(not _is_preemption(nodes) for nodes in self._nodes)


def _is_preemption(nodes: frozenset[str]) -> bool:
    return bool(nodes) and all(map(is_leaving, nodes))


def too_many_deaths() -> str:
    """What is said of a stack that failed so."""
    return f"its worker died {MAX_DEATHS + 1} times, without an error of its own; is there enough memory?"
