"""The files of a store on a server (S3, GCS, whatever fsspec speaks to), where one put is atomic already.

Each question takes a server's time, so as many as are independent are asked at a time.
"""

from __future__ import annotations

import errno
import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from panda_ray.errors import InputError
from panda_ray.execution.store.files.files import LARGEST_NOTE, Files, Item, Value, reason_of, room
from panda_ray.execution.store.files.folder import State
from panda_ray.execution.store.files.objects import CONNECTIONS, Objects


class ObjectFiles(Files):
    """The objects under one fsspec URL.

    Args:
        url: memory://, s3://, gs://, ...

    Raises:
        InputError: for a protocol that fsspec does not know, or whose package is missing.
    """

    is_local = False

    def __init__(self, url: str) -> None:
        try:
            self._objects = Objects(url)
        except Exception as error:
            raise InputError(f"storage {url!r} cannot be opened: {reason_of(error, url)}") from error
        super().__init__(url, self._objects.knows_first)

    def read(self, path: str, limit: int = LARGEST_NOTE) -> bytes | None:
        data = self.read_start(path, limit + 1)
        return data if data is not None and len(data) <= limit else None

    def read_start(self, path: str, size: int) -> bytes | None:
        return self._asked(lambda: self._objects.read_start(path, size))

    def read_in_turn(self, paths: Iterable[str], limit: int = LARGEST_NOTE) -> Iterator[tuple[str, bytes | None]]:
        for path in paths:
            yield path, self.read(path, limit)

    def read_many(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        paths = list(paths)
        return zip(paths, self.each(self.read, paths), strict=True)

    def each(self, function: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Value]:
        items = list(items)
        if len(items) < 2:
            yield from map(function, items)
            return
        with ThreadPoolExecutor(min(CONNECTIONS, len(items))) as pool:
            yield from pool.map(function, items)

    def states(self, folder: str) -> Mapping[str, State]:
        return self._asked(lambda: self._objects.states(folder)) or {}

    def state(self, path: str) -> None:
        """Of an object alone it would be a request more; whoever needs it reads the object."""

    def sha256(self, path: str, size: int) -> str | None:
        data = self.read(path, size)
        return None if data is None or len(data) != size else hashlib.sha256(data).hexdigest()

    def write(self, path: str, data: bytes, durable: bool = True) -> None:
        with room(self.url, Exception):
            self._objects.write(path, data)

    def write_first(self, path: str, data: bytes) -> bool:
        with room(self.url, Exception):
            return self._objects.write_first(path, data)

    def remove(self, path: str) -> None:
        with suppress(Exception):  # of whatever package speaks to the server
            self._objects.remove(path)

    def remove_leftovers(self) -> None:
        """A put that did not end left nothing."""

    def _try_writing(self) -> None:
        """Two requests."""
        place = f"tmp/{uuid.uuid4().hex}"
        self._objects.write_first(place, b"panda-ray")
        self._objects.remove(place)

    def _asked(self, request: Callable[[], Value]) -> Value | None:
        """The answer of a server, or None where it has no such file."""
        try:
            return request()
        except (FileNotFoundError, IsADirectoryError):
            return None
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EINVAL:  # a range of an empty object
                return None
            raise InputError(f"storage {self.url!r} cannot be read: {reason_of(error, self.url)}") from error
