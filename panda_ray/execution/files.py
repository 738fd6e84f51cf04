"""Files of a store: read, listed, and written so that a reader never sees half of one.

On a local disk (or NFS) a file is written beside its place, synced and renamed; elsewhere one put is atomic already.
"""

from __future__ import annotations

import errno
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from panda_ray.errors import InputError

THREADS = 16
"""Readers at a time; they wait for the disk, or hash outside of the interpreter's lock."""

LEFTOVER_SECONDS = 3600
"""A temporary file that is older belongs to a process that died."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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

    def read_many(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Several files in the order asked for; concurrently where each read waits for a server."""
        paths = list(paths)
        if self.is_local:
            yield from ((path, self.read(path)) for path in paths)
            return
        with ThreadPoolExecutor(THREADS) as pool:
            yield from zip(paths, pool.map(self.read, paths), strict=True)

    def sizes(self, folder: str) -> Mapping[str, int]:
        """Every file below a folder with its size in bytes: one listing."""
        if self.is_local:
            return dict(_walk(self._full(folder), f"{folder}/"))
        found: Mapping[str, Any] = self._fs.find(self._full(folder), detail=True)
        start = len(self._fs._strip_protocol(self._root)) + 1
        return {path[start:]: int(info["size"]) for path, info in found.items()}

    def write(self, path: str, data: bytes) -> None:
        """Put a file in its place, replacing an older one; a crash leaves the old file or the new one.

        Raises:
            StoreFullError: when the disk, a quota or a limit of the file system is reached.
        """
        with self._room():
            if self.is_local:
                self._write_local(Path(self._full(path)), data)
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

    def local_path(self, path: str) -> str:
        """Where a file of a local store is on this machine."""
        return self._full(path)

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _write_local(self, path: Path, data: bytes) -> None:
        temporary = Path(self._full("tmp")) / f"{uuid.uuid4().hex}-{path.name}"
        temporary.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
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


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, int]]:
    """Path below the store and size of every file in a local folder; several times faster than `fsspec`'s listing."""
    if not Path(folder).is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _walk(entry.path, f"{prefix}{entry.name}/")
            else:
                with suppress(FileNotFoundError):  # another driver may have removed it meanwhile
                    yield prefix + entry.name, entry.stat().st_size


def _sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
