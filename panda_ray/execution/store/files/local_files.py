"""The files of a store on a disk of this machine, or on NFS: written beside their place, synced and renamed."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem

from panda_ray.errors import InputError
from panda_ray.execution.store.files import folder as folders
from panda_ray.execution.store.files import folder_writing as writing
from panda_ray.execution.store.files.files import LARGEST_NOTE, LEFTOVER_SECONDS, Files, Item, Value, reason_of, room
from panda_ray.execution.store.files.folder import State

TOP = ("units", "checkpoints", "failures", "limits", "leases", "tmp")
"""The folders of a store."""


class LocalFiles(Files):
    """The files below a folder.

    Args:
        url: the folder, or its URL (file://, local://). Its name may hold any character.

    Raises:
        InputError: for a path that cannot be a folder.
    """

    is_local = True

    def __init__(self, url: str) -> None:
        super().__init__(LocalFileSystem._strip_protocol(url), knows_first=False)
        try:
            writing.check(self.url)
        except (OSError, ValueError) as error:
            reason = reason_of(error, self.url)
            raise InputError(f"storage {self.url!r} cannot be opened ({reason}); name another `storage`") from error

    def read(self, path: str, limit: int = LARGEST_NOTE) -> bytes | None:
        return folders.read(self.url, path, limit)

    def read_start(self, path: str, size: int) -> bytes | None:
        return folders.read_start(self.url, path, size)

    def read_in_turn(self, paths: Iterable[str], limit: int = LARGEST_NOTE) -> Iterator[tuple[str, bytes | None]]:
        for path in paths:
            yield path, folders.read_listed(self._full(path), limit)

    def read_many(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        return self.read_in_turn(paths)

    def each(self, function: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Value]:
        return map(function, items)

    def states(self, folder: str) -> Mapping[str, State]:
        return dict(folders.walk(self._full(folder), f"{folder}/")) if self._is_folder(folder) else {}

    def state(self, path: str) -> State | None:
        return folders.state(self.url, path)

    def sha256(self, path: str, size: int) -> str | None:
        return folders.sha256(self.url, path, size)

    def write(self, path: str, data: bytes, durable: bool = True) -> None:
        with room(self.url, OSError):
            writing.write(Path(self.url), path, data, durable)

    def write_first(self, path: str, data: bytes) -> bool:
        self.write(path, data)
        return True

    def remove(self, path: str) -> None:
        with suppress(OSError):
            Path(self._full(path)).unlink()

    def remove_leftovers(self) -> None:
        for path in self.states("tmp"):
            with suppress(OSError):
                file = Path(self._full(path))
                if time.time() - file.stat().st_mtime > LEFTOVER_SECONDS:
                    file.unlink(missing_ok=True)

    def _try_writing(self) -> None:
        writing.try_folders(Path(self.url), TOP)

    def _full(self, path: str) -> str:
        return f"{self.url}/{path}"

    def _is_folder(self, folder: str) -> bool:
        """Whether a folder of the store is one, and no link to another place."""
        try:
            return stat.S_ISDIR(os.lstat(self._full(folder)).st_mode)
        except OSError:
            return False
