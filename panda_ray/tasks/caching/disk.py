"""The user's cache folder: `panda_ray` below XDG_CACHE_HOME (or ~/.cache), safe to remove at any time.

Nothing in it is needed and everything in it is checked: an entry begins with its checksum and is written in one step,
so that a damaged or half-written one counts as absent. What was not used for longest goes when a cache is full.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

_CHECKSUM_BYTES = hashlib.sha256().digest_size
_LEFTOVER_SECONDS = 3600
_TEMPORARY = ".new"
_LOCK = ".lock"


def cache_home() -> Path:
    """The folder of all caches."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "panda_ray")


def address(parts: Sequence[Any]) -> str:
    """Name of the entry that depends on these JSON values and on nothing else."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, allow_nan=False).encode()).hexdigest()


class DiskCache:
    """Bytes by address; several processes may use one cache at a time.

    Args:
        name: of its folder.
        limit_bytes: what its entries may take together.
    """

    def __init__(self, name: str, limit_bytes: int) -> None:
        self._name = name
        self._limit = limit_bytes

    @property
    def folder(self) -> Path:
        return cache_home() / self._name

    def read(self, name: str) -> memoryview | None:
        """What was written under an address, or None if that is not there or was damaged."""
        path = self.folder / name
        try:
            data = memoryview(path.read_bytes())
        except OSError:
            return None
        content = data[_CHECKSUM_BYTES:]
        if hashlib.sha256(content).digest() != data[:_CHECKSUM_BYTES]:
            return None
        with suppress(OSError):  # another process may have removed it, or the folder is read-only
            os.utime(path)
        return content

    def write(self, name: str, content: bytes) -> None:
        """Keep content under an address. A folder that cannot be written to costs time later, nothing else."""
        temporary = self.folder / f"{uuid.uuid4().hex}{_TEMPORARY}"
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("wb") as file:
                    file.write(hashlib.sha256(content).digest())
                    file.write(content)
                temporary.replace(self.folder / name)
            finally:
                temporary.unlink(missing_ok=True)
            self._make_room()

    def read_or_make(self, name: str, make: Callable[[], bytes]) -> memoryview:
        """What is under an address; what is not there is made and kept, by one process of this machine.

        Others that ask meanwhile wait for it. Where the folder cannot be written to, each makes its own.
        """
        if (known := self.read(name)) is not None:
            return known
        with self._alone(name):
            if (known := self.read(name)) is not None:
                return known
            content = make()
            self.write(name, content)
        return memoryview(content)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Hold the lock of an address; whoever dies releases it. Its file goes once the entry is there to be read."""
        path = self.folder / f"{name}{_LOCK}"
        with ExitStack() as stack:
            with suppress(OSError):
                self.folder.mkdir(parents=True, exist_ok=True)
                lock = stack.enter_context(path.open("wb"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                with suppress(OSError):
                    path.unlink()

    def _make_room(self) -> None:
        """Remove entries, the one not used for longest first, and what writers that died left behind."""
        found = []
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another process may be making room too
                state = path.stat()
                if path.suffix not in (_TEMPORARY, _LOCK):
                    found.append((state.st_mtime_ns, state.st_size, path))
                elif time.time() - state.st_mtime > _LEFTOVER_SECONDS:
                    path.unlink()
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._limit:
                return
            path.unlink(missing_ok=True)
            total -= size
