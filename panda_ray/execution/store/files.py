"""Files of a store: read, listed, and written so that a reader never sees half of one.

On a local disk (or NFS) a file is written beside its place, synced and renamed (`local/folder_writing.py`); elsewhere
one put is atomic already (`remote/objects.py`).
What a store holds is not trusted: a file that is too long, or none at all, is absent (`local/folder.py`).
"""

from __future__ import annotations

import errno
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from fsspec.implementations.local import LocalFileSystem

from panda_ray.errors import InputError
from panda_ray.execution.store.local import folder as folders
from panda_ray.execution.store.local import folder_writing as writing
from panda_ray.execution.store.local.folder import State
from panda_ray.execution.store.remote.objects import CONNECTIONS, Objects
from panda_ray.secrets import redacted

LARGEST_NOTE = 16 << 20
"""Bytes of the largest file of the store's own that is read: records, failures, limits and leases are JSON."""

LEFTOVER_SECONDS = 3600
"""A temporary file that is older belongs to a process that died."""

TOP = ("units", "checkpoints", "failures", "limits", "leases", "tmp")
"""The folders of a store."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What an operating system says where there is no room."""

Value = TypeVar("Value")
Item = TypeVar("Item")


class StoreFullError(InputError):
    """The store takes no result any more, mostly because it is full; nothing half-written counts as done."""


class Files:
    """The files under one fsspec URL, by their path relative to it.

    Args:
        url: folder, or any fsspec URL (file://, memory://, s3://, gs://, ...). A folder's name may hold any character.

    Attributes:
        url: the same place, independent of the working directory.

    Raises:
        InputError: for a protocol that fsspec does not know, or whose package is missing, and for a path that cannot be
            a folder.
    """

    def __init__(self, url: str) -> None:
        try:
            is_local = "://" not in url or url.startswith(("file:", "local:"))
            self._objects = None if is_local else Objects(url)
        except Exception as error:
            raise InputError(f"storage {url!r} cannot be opened: {_reason(error, url)}") from error
        self._root = LocalFileSystem._strip_protocol(url) if is_local else url
        self.url = self._root
        if is_local:
            self._check_folder()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by its URL: what a client was configured with, keys to a server among it, stays on this machine."""
        return Files, (self.url,)

    @property
    def is_local(self) -> bool:
        """Whether the files are in a folder of this machine."""
        return self._objects is None

    @property
    def knows_first(self) -> bool:
        """Whether `write_first` never replaces a file."""
        return self._objects is not None and self._objects.knows_first

    def check_writable(self) -> None:
        """Try what a run will do: make a file in every folder that there is, and remove it.

        Nothing is left behind. Elsewhere than on a local disk it takes two requests.

        Raises:
            InputError: results could not be stored.
        """
        try:
            if self._objects is None:
                writing.try_folders(Path(self._root), TOP)
            else:
                place = f"tmp/{uuid.uuid4().hex}"
                self._objects.write_first(place, b"panda-ray")
                self._objects.remove(place)
        except InputError:
            raise
        except Exception as error:
            reason = _reason(error, self.url)
            raise InputError(
                f"storage {self.url!r} cannot be written to ({reason}); make it writable, or name another `storage`"
            ) from error

    def read(self, path: str, limit: int = LARGEST_NOTE) -> bytes | None:
        """The whole file, or None where there is none, or a longer one.

        Raises:
            InputError: a server does not answer.
        """
        if self.is_local:
            return folders.read(self._root, path, limit)
        data = self.read_start(path, limit + 1)
        return data if data is not None and len(data) <= limit else None

    def read_start(self, path: str, size: int) -> bytes | None:
        """At most the first `size` bytes, or None where there is no file.

        Raises:
            InputError: a server does not answer.
        """
        if self._objects is None:
            return folders.read_start(self._root, path, size)
        objects = self._objects
        return self._asked(lambda: objects.read_start(path, size))

    def read_in_turn(self, paths: Iterable[str], limit: int = LARGEST_NOTE) -> Iterator[tuple[str, bytes | None]]:
        """Several listed files in the order asked for, one at a time."""
        for path in paths:
            yield path, folders.read_listed(self._full(path), limit) if self.is_local else self.read(path, limit)

    def read_many(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Likewise, but concurrently where each read waits for a server."""
        paths = list(paths)
        if self.is_local:
            yield from self.read_in_turn(paths)
        else:
            yield from zip(paths, self.each(self.read, paths), strict=True)

    def each(self, function: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Value]:
        """What a function makes of each item, in their order; all at a time where each waits for a server."""
        items = list(items)
        if self.is_local or len(items) < 2:
            yield from map(function, items)
            return
        with ThreadPoolExecutor(min(CONNECTIONS, len(items))) as pool:
            yield from pool.map(function, items)

    def states(self, folder: str) -> Mapping[str, State]:
        """Every file below a folder: one listing.

        Raises:
            InputError: a server does not answer.
        """
        if self._objects is None:
            return dict(folders.walk(self._full(folder), f"{folder}/")) if self._is_folder(folder) else {}
        objects = self._objects
        return self._asked(lambda: objects.states(folder)) or {}

    def local_state(self, path: str) -> State | None:
        """The state of one file of a local store, or None where there is none."""
        return folders.state(self._root, path)

    def local_sha256(self, path: str, size: int) -> str | None:
        """Of a file of a local store that has so many bytes, read piece by piece; None where there is none."""
        return folders.sha256(self._root, path, size)

    def write(self, path: str, data: bytes, durable: bool = True) -> None:
        """Put a file in its place, replacing an older one; a crash leaves the old file or the new one.

        Args:
            durable: wait until it is on the disk; what has no meaning after a power cut need not.

        Raises:
            StoreFullError: when the disk, a quota or a limit of the file system is reached, or the store takes no file
                for another reason.
        """
        with self._room():
            if self._objects is None:
                writing.write(Path(self._root), path, data, durable)
            else:
                self._objects.write(path, data)

    def write_first(self, path: str, data: bytes) -> bool:
        """Likewise, but without replacing a file where `knows_first`; whether the file was put.

        Raises:
            StoreFullError: as above.
        """
        if self._objects is None:
            self.write(path, data)
            return True
        with self._room():
            return self._objects.write_first(path, data)

    def remove(self, path: str) -> None:
        """Remove a file if it is there and may be removed."""
        if self._objects is None:
            with suppress(OSError):
                Path(self._full(path)).unlink()
        else:
            with suppress(Exception):  # of whatever package speaks to the server
                self._objects.remove(path)

    def remove_leftovers(self) -> None:
        """Remove the temporary files of writers that died."""
        if self.is_local:
            for path in self.states("tmp"):
                with suppress(OSError):
                    file = Path(self._full(path))
                    if time.time() - file.stat().st_mtime > LEFTOVER_SECONDS:
                        file.unlink(missing_ok=True)

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _is_folder(self, folder: str) -> bool:
        """Whether a folder of the store is one, and no link to another place."""
        try:
            return stat.S_ISDIR(os.lstat(self._full(folder)).st_mode)
        except OSError:
            return False

    def _asked(self, request: Callable[[], Value]) -> Value | None:
        """The answer of a server, or None where it has no such file."""
        try:
            return request()
        except (FileNotFoundError, IsADirectoryError):
            return None
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EINVAL:  # a range of an empty object
                return None
            raise InputError(f"storage {self.url!r} cannot be read: {_reason(error, self.url)}") from error

    def _check_folder(self) -> None:
        try:
            writing.check(self._root)
        except (OSError, ValueError) as error:
            reason = _reason(error, self._root)
            raise InputError(f"storage {self._root!r} cannot be opened ({reason}); name another `storage`") from error

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            number = error.errno if isinstance(error, OSError) else None
            reason = _reason(error, self.url)
            if number in FULL:
                raise StoreFullError(
                    f"no space left for results in {self.url} ({reason}); free some and run the same command again"
                ) from error
            if self.is_local and not isinstance(error, OSError):
                raise
            raise StoreFullError(
                f"results cannot be written to {self.url} ({reason}); mend that and run the same command again"
            ) from error


def _reason(error: Exception, url: str) -> str:
    """What went wrong, without the password that the URL may hold: servers' packages quote parts of it."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or repr(error)
    return redacted(words, url)
