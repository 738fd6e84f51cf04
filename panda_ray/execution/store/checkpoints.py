"""State of running stacks: one file per stack, holding its members and the engine's state.

The member list makes a resumed stack have the shape that it had, whatever the sweep file says by then. The first line
is JSON (members, sha256 and size of the state), the rest is the state as the engine wrote it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from panda_ray.execution.store.files.files import Files
from panda_ray.execution.store.sealed import LARGEST_FILE, is_key, parse
from panda_ray.execution.units.canonical import digest

_PLACE = re.compile(r"checkpoints/[0-9a-f]{32}")
_HEADER_BYTES = 1 << 20
"""No header is longer: it has room for 15,000 members."""


def checkpoint_name(members: Sequence[str]) -> str:
    """What the checkpoint of the units with these keys is called; the id of their stack, too."""
    return digest([*members])[:32]


class StackCheckpoint:
    """The checkpoint of one stack; what the engine calls a `CheckpointSlot`.

    Args:
        members: keys of the units that train together, in their order.
    """

    def __init__(self, files: Files, members: Sequence[str]) -> None:
        self._files = files
        self._path = f"checkpoints/{checkpoint_name(members)}"
        self._members = [*members]
        self._is_absent = False

    def load(self) -> bytes | None:
        """The state, or None if there is none or it was damaged: the stack then starts over in the same shape."""
        start = self._files.read_start(self._path, _HEADER_BYTES)
        self._is_absent = start is None
        header = _header(start)
        if header is None or header.members != self._members:
            return None
        state = (start or b"").partition(b"\n")[2]
        if len(state) < header.size:
            data = self._files.read(self._path, limit=_HEADER_BYTES + header.size)
            state = (data or b"").partition(b"\n")[2]
        return state if header.sha256 == hashlib.sha256(state).hexdigest() else None

    def save(self, state: bytes) -> None:
        """Replace the state.

        Raises:
            StoreFullError: when there is no room; the earlier state is kept.
        """
        header = {"members": self._members, "sha256": hashlib.sha256(state).hexdigest(), "bytes": len(state)}
        self._is_absent = False
        self._files.write(self._path, json.dumps(header).encode() + b"\n" + state)

    def remove(self) -> None:
        """Forget the state, once every member has its result."""
        if not self._is_absent:
            self._files.remove(self._path)


class Checkpoints:
    """The checkpoints of a store."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def of(self, members: Sequence[str]) -> StackCheckpoint:
        """The checkpoint of the units with these keys, trained together in this order."""
        return StackCheckpoint(self._files, members)

    def members(self) -> dict[str, tuple[str, ...]]:
        """The members of every stack that has a checkpoint, in the order of their stacks' ids."""
        paths = [path for path in sorted(self._files.states("checkpoints")) if _PLACE.fullmatch(path)]
        headers = self._files.each(lambda path: _header(self._files.read_start(path, _HEADER_BYTES)), paths)
        return {
            path.removeprefix("checkpoints/"): tuple(header.members)
            for path, header in zip(paths, headers, strict=True)
            if header is not None
        }

    def remove(self, stack_ids: Iterable[str]) -> None:
        """Remove checkpoints whose stacks are done."""
        for stack_id in stack_ids:
            self._files.remove(f"checkpoints/{stack_id}")


@dataclass(frozen=True)
class _Header:
    """The first line; `size` is that of the state, in bytes."""

    members: list[str]
    sha256: str
    size: int


def _header(start: bytes | None) -> _Header | None:
    """The header of a file that starts like this, or None where it is none."""
    said = parse((start or b"").partition(b"\n")[0])
    if not isinstance(said, dict):
        return None
    members, sha256, size = said.get("members"), said.get("sha256"), said.get("bytes")
    if (
        not isinstance(members, list)
        or not members
        or not all(map(is_key, members))
        or len(set(members)) < len(members)
    ):
        return None
    if not isinstance(sha256, str) or not is_key(sha256) or type(size) is not int or not 0 <= size <= LARGEST_FILE:
        return None
    return _Header(members, sha256, size)
