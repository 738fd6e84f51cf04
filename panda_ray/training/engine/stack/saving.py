"""When a stack's state is saved, and by whom: rank 0 alone has the place for it."""

from __future__ import annotations

import time

from panda_ray.training.checkpoint import CheckpointSlot
from panda_ray.training.engine.collective import Collective
from panda_ray.training.engine.stack.state import StackState, pack


class Saving:
    """The saves of one training.

    Args:
        slot: where; nothing is saved without one.
        seconds: shortest time between two saves that are not asked for.
    """

    def __init__(self, slot: CheckpointSlot | None, seconds: float, collective: Collective) -> None:
        self._slot = slot
        self._seconds = seconds
        self._collective = collective
        self._saved_at = time.monotonic()

    def found(self) -> bytes | None:
        """What an earlier training left, the same for every worker; None where there is nothing."""
        return self._collective.share(lambda: self._slot.load() if self._slot is not None else None)

    def save(self, state: StackState) -> None:
        """Save the state as it is, where there is a place for it."""
        if self._slot is not None and not self._collective.rank:
            self._slot.save(pack(state))
            self._saved_at = time.monotonic()

    def save_when_due(self, state: StackState) -> None:
        """Save if the last save is long ago."""
        if time.monotonic() - self._saved_at >= self._seconds:
            self.save(state)
