"""Where a running stack keeps its state between epochs; the store implements the slot."""

from __future__ import annotations

from typing import Protocol


class CheckpointSlot(Protocol):
    """One place for one running stack's state, overwritten atomically."""

    def load(self) -> bytes | None:
        """The last saved state, or None."""
        ...

    def save(self, state: bytes) -> None:
        """Replace the state; a crash leaves either the old or the new one."""
        ...
