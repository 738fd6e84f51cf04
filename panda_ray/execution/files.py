"""Files of a store: read, listed, and written so that a reader never sees half of one.

On a local disk (or NFS) a file is written beside its place, synced and renamed; elsewhere one put is atomic already.
"""

from __future__ import annotations

import errno
import os
import sys
import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
from fsspec.implementations.local import LocalFileSystem

from panda_ray.errors import InputError

THREADS = 16
"""Readers at a time of what is not on a local disk."""

_AHEAD_FILES, _AHEAD_BYTES = 12, 1 << 18
"""Files that a reader has the disk fetch before it needs them, and how much of each. It keeps them open, and a process
may have as few as 256 open."""

LEFTOVER_SECONDS = 3600
"""A temporary file that is older belongs to a process that died."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class State(NamedTuple):
    """What a listing says of a file.

    Attributes:
        size: bytes.
        changed: nanoseconds since the epoch; 0 where files are not on a local disk.
    """

    size: int
    changed: int


class StoreFullError(InputError):
    """The store has no room for a result; nothing half-written counts as done."""


class Files:
    """The files under one fsspec URL, by their path relative to it.

    Args:
        url: folder, or any fsspec URL (file://, memory://, s3://, gs://, ...).

    Attributes:
        url: the same place, independent of the working directory.

    Raises:
        InputError: for a protocol that fsspec does not know, or whose package is missing.
    """

    def __init__(self, url: str) -> None:
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise InputError(f"storage {url!r} cannot be opened: {error}") from error
        self.is_local = isinstance(self._fs, LocalFileSystem)
        self.url = self._root if self.is_local else url

    def read(self, path: str) -> bytes | None:
        """The whole file, or None where there is none."""
        try:
            if self.is_local:
                return read_local(self._full(path))
            return bytes(self._fs.cat_file(self._full(path)))
        except FileNotFoundError:
            return None

    def read_start(self, path: str, size: int) -> bytes | None:
        """At most the first `size` bytes, or None where there is no file."""
        try:
            return bytes(self._fs.cat_file(self._full(path), start=0, end=size))
        except FileNotFoundError:
            return None

    def read_in_turn(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Several files in the order asked for, one at a time; a local disk fetches the next ones meanwhile."""
        paths = list(paths)
        contents = _read_ahead(map(self._full, paths)) if self.is_local else map(self.read, paths)
        yield from zip(paths, contents, strict=True)

    def read_many(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Likewise, but concurrently where each read waits for a server."""
        if self.is_local:
            yield from self.read_in_turn(paths)
            return
        paths = list(paths)
        with ThreadPoolExecutor(THREADS) as pool:
            yield from zip(paths, pool.map(self.read, paths), strict=True)

    def states(self, folder: str) -> Mapping[str, State]:
        """Every file below a folder: one listing."""
        if self.is_local:
            return dict(_walk(self._full(folder), f"{folder}/"))
        found: Mapping[str, Any] = self._fs.find(self._full(folder), detail=True)
        start = len(self._fs._strip_protocol(self._root)) + 1
        return {path[start:]: State(int(info["size"]), 0) for path, info in found.items()}

    def local_state(self, path: str) -> State | None:
        """The state of one file of a local store, or None where there is none."""
        try:
            return _state(os.stat(self._full(path)))  # noqa: PTH116  see `read_local`
        except FileNotFoundError:
            return None

    def write(self, path: str, data: bytes, durable: bool = True) -> None:
        """Put a file in its place, replacing an older one; a crash leaves the old file or the new one.

        Args:
            durable: wait until it is on the disk; what has no meaning after a power cut need not.

        Raises:
            StoreFullError: when the disk, a quota or a limit of the file system is reached.
        """
        with self._room():
            if self.is_local:
                self._write_local(Path(self._full(path)), data, durable)
            else:
                self._fs.pipe_file(self._full(path), data)

    def remove(self, path: str) -> None:
        """Remove a file if it is there."""
        try:
            self._fs.rm_file(self._full(path))
        except FileNotFoundError:
            return

    def remove_leftovers(self) -> None:
        """Remove the temporary files of writers that died."""
        folder = Path(self._full("tmp"))
        if self.is_local and folder.is_dir():
            for file in folder.iterdir():
                if time.time() - file.stat().st_mtime > LEFTOVER_SECONDS:
                    file.unlink(missing_ok=True)

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _write_local(self, path: Path, data: bytes, durable: bool) -> None:
        temporary = Path(self._full("tmp")) / f"{uuid.uuid4().hex}-{path.name}"
        temporary.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as handle:
                handle.write(data)
                handle.flush()
                if durable:
                    os.fsync(handle.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        if durable:
            _sync_folder(path.parent)

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise StoreFullError(
                f"no space left for results in {self.url} ({error.strerror}); free some and run the same command again"
            ) from error


def read_local(path: str) -> bytes:
    """A file of this machine; `fsspec` and `pathlib` take longer to open a small one than it takes to read it.

    Raises:
        FileNotFoundError: where there is none.
    """
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return file.readall()


def _read_ahead(paths: Iterable[str]) -> Iterator[bytes | None]:
    """Files of this machine in this order, None for one that is not there; the next ones are on their way already."""
    opened: deque[FileIO | None] = deque()
    try:
        for path in paths:
            opened.append(_ordered(path))
            if len(opened) > _AHEAD_FILES:
                yield _content(opened.popleft())
        while opened:
            yield _content(opened.popleft())
    finally:
        for file in filter(None, opened):
            file.close()


def _ordered(path: str) -> FileIO | None:
    """An open file whose start the kernel was told to fetch."""
    try:
        file = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115  see `read_local`; the reader closes it
    except FileNotFoundError:
        return None
    if sys.platform == "linux":
        os.posix_fadvise(file.fileno(), 0, _AHEAD_BYTES, os.POSIX_FADV_WILLNEED)
    return file


def _content(file: FileIO | None) -> bytes | None:
    if file is None:
        return None
    with file:
        return file.readall()


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, State]]:
    """Path below the store and state of every file in a local folder; several times faster than `fsspec`'s listing."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _walk(entry.path, f"{prefix}{entry.name}/")
            else:
                with suppress(FileNotFoundError):  # another driver may have removed it meanwhile
                    yield prefix + entry.name, _state(entry.stat())


def _state(found: os.stat_result) -> State:
    return State(found.st_size, found.st_mtime_ns)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
