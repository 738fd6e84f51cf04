"""Records of many units in one object, so that planning on a server does not ask for each of them.

    bundles/<hash>.gz     records as they are stored, one a line

They are never the truth. A line counts only for a record that the listing names with the MD5 of these very bytes, and
is then looked at as if it had been read by itself; what is missing, replaced or damaged is asked for. Whoever runs a
sweep writes what it had to ask for; nobody changes a bundle, and removing all of them costs time alone.
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from panda_ray.execution.store.files.files import Files
from panda_ray.execution.store.files.folder import State

FEW = 32
"""Records that are asked for one by one, and for which no bundle is written."""

_LINES = 512
_BYTES = 4 << 20
"""Records, and bytes of them, at which a bundle is full: what a run loses when it is killed."""

_MOST = 64
"""Full bundles that wait for somebody to begin; what was planned alone is not written."""

_LARGEST = 2 * (_BYTES + (16 << 20))
"""Bytes that a bundle may unpack to: a full one and the record that filled it."""


class Bundles:
    """The bundles of a store.

    Nothing is written before `begin`.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._begun = False
        self._pending: dict[str, bytes] = {}
        self._packed: list[bytes] = []
        self._bundled: set[str] = set()
        """MD5 of records that are in a bundle."""
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """What waits to be written stays with whoever writes it."""
        return Bundles, (self._files,)

    def of(self, listed: Mapping[str, State]) -> dict[str, bytes]:
        """Those of the listed records that are in a bundle as they are on the server, by their path."""
        wanted = {state.md5: path for path, state in listed.items() if state.md5}
        if len(wanted) <= FEW:
            return {}
        found: dict[str, bytes] = {}
        for _, packed in self._files.read_many(self._files.states("bundles")):
            for line in _lines(packed or b""):
                if (path := wanted.get(md5 := _md5(line))) is not None:
                    found[path] = line
                    self._bundled.add(md5)
        return found

    def note(self, data: bytes, listed: State | None = None) -> None:
        """Take note of a record that was read by itself.

        Args:
            listed: what the listing said of it, where there was one.
        """
        md5 = _md5(data)
        if listed is not None and listed.md5 != md5:  # the server's tags are none of content, or it was replaced
            return
        with self._lock:
            if md5 not in self._bundled:
                self._pending[md5] = data
            if len(self._pending) >= _LINES or sum(map(len, self._pending.values())) >= _BYTES:
                self._pack()
                self._write()

    def begin(self) -> None:
        """Write from now on what was noted.

        Raises:
            StoreFullError: when there is no room.
        """
        self._begun = True
        self.write()

    def write(self) -> None:
        """Write what was noted, unless it is little.

        Raises:
            StoreFullError: when there is no room.
        """
        with self._lock:
            if len(self._pending) > FEW:
                self._pack()
            self._write()

    def _pack(self) -> None:
        if len(self._packed) < _MOST:
            self._packed.append(zlib.compress(b"\n".join(self._pending.values())))
            self._bundled.update(self._pending)
        self._pending.clear()

    def _write(self) -> None:
        while self._begun and self._packed:
            packed = self._packed.pop()
            self._files.write(f"bundles/{hashlib.sha256(packed).hexdigest()[:32]}.gz", packed)


def _lines(packed: bytes) -> Iterable[bytes]:
    """The records of a bundle; none where it is damaged."""
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(packed, _LARGEST)
    except zlib.error:
        return ()
    return content.split(b"\n") if unpacking.eof else ()


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
