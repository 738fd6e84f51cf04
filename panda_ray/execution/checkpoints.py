"""State of running stacks: one file per stack, holding its members and the engine's state.

The member list makes a resumed stack have the shape that it had, whatever the sweep file says by then. The first line
is JSON (members, sha256 and size of the state), the rest is the state as the engine wrote it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from panda_ray.execution.files import Files
from panda_ray.execution.stack import Stack

_HEADER_BYTES = 1 << 20
"""No header is longer: it has room for 15,000 members."""


class StackCheckpoint:
    """The checkpoint of one stack; what the engine calls a `CheckpointSlot`."""

    def __init__(self, files: Files, stack: Stack) -> None:
        self._files = files
        self._path = f"checkpoints/{stack.id}"
        self._members = [unit.key for unit in stack.members]

    def load(self) -> bytes | None:
        """The state, or None if there is none or it was damaged: the stack then starts over in the same shape."""
        data = self._files.read(self._path)
        if data is None:
            return None
        line, _, state = data.partition(b"\n")
        header = _header(line)
        return state if header.get("sha256") == hashlib.sha256(state).hexdigest() else None

    def save(self, state: bytes) -> None:
        """Replace the state.

        Raises:
            StoreFullError: when there is no room; the earlier state is kept.
        """
        header = {"members": self._members, "sha256": hashlib.sha256(state).hexdigest(), "bytes": len(state)}
        self._files.write(self._path, json.dumps(header).encode() + b"\n" + state)

    def remove(self) -> None:
        """Forget the state, once every member has its result."""
        self._files.remove(self._path)


class Checkpoints:
    """The checkpoints of a store."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def of(self, stack: Stack) -> StackCheckpoint:
        return StackCheckpoint(self._files, stack)

    def members(self) -> dict[str, tuple[str, ...]]:
        """The members of every stack that has a checkpoint, in the order of their stacks' ids."""
        found = {}
        for path in sorted(self._files.states("checkpoints")):
            start = self._files.read_start(path, _HEADER_BYTES) or b""
            if members := _header(start.partition(b"\n")[0]).get("members"):
                found[path.removeprefix("checkpoints/")] = tuple(members)
        return found

    def remove(self, stack_ids: Iterable[str]) -> None:
        """Remove checkpoints whose stacks are done."""
        for stack_id in stack_ids:
            self._files.remove(f"checkpoints/{stack_id}")


def _header(line: bytes) -> dict[str, Any]:
    """The header, or nothing where the file was damaged."""
    try:
        header = json.loads(line)
    except ValueError:
        return {}
    return header if isinstance(header, dict) else {}
