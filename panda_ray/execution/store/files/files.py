"""What a store asks of the place where its files are.

What such a place holds is not trusted: a file that is too long, or none at all, is absent.
"""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from panda_ray.errors import InputError
from panda_ray.execution.store.files.folder import State
from panda_ray.secrets import redacted

LARGEST_NOTE = 16 << 20
"""Bytes of the largest file of the store's own that is read: records, failures, limits and leases are JSON."""

LEFTOVER_SECONDS = 3600
"""A temporary file that is older belongs to a process that died."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What an operating system says where there is no room."""

Value = TypeVar("Value")
Item = TypeVar("Item")


class StoreFullError(InputError):
    """The store takes no result any more, mostly because it is full; nothing half-written counts as done."""


class Files(ABC):
    """The files under one URL, by their path relative to it.

    Attributes:
        is_local: whether they are in a folder of this machine.
        url: the same place, independent of the working directory.
        knows_first: whether `write_first` never replaces a file.
    """

    is_local: ClassVar[bool]

    def __init__(self, url: str, knows_first: bool) -> None:
        self.url, self.knows_first = url, knows_first

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by its URL: what a client was configured with, keys to a server among it, stays on this machine."""
        return type(self), (self.url,)

    @abstractmethod
    def read(self, path: str, limit: int = LARGEST_NOTE) -> bytes | None:
        """The whole file, or None where there is none, or a longer one.

        Raises:
            InputError: a server does not answer.
        """

    @abstractmethod
    def read_start(self, path: str, size: int) -> bytes | None:
        """At most the first `size` bytes, or None where there is no file.

        Raises:
            InputError: a server does not answer.
        """

    @abstractmethod
    def read_in_turn(self, paths: Iterable[str], limit: int = LARGEST_NOTE) -> Iterator[tuple[str, bytes | None]]:
        """Several listed files in the order asked for, one at a time."""

    @abstractmethod
    def read_many(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Likewise, but all at a time where each read waits for a server."""

    @abstractmethod
    def each(self, function: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Value]:
        """What a function makes of each item, in their order; all at a time where each waits for a server."""

    @abstractmethod
    def states(self, folder: str) -> Mapping[str, State]:
        """Every file below a folder: one listing.

        Raises:
            InputError: a server does not answer.
        """

    @abstractmethod
    def state(self, path: str) -> State | None:
        """The state of one file; None where there is none, and where a server would have to be asked for it alone."""

    @abstractmethod
    def sha256(self, path: str, size: int) -> str | None:
        """Of a file that has so many bytes, in hexadecimal digits; None where there is none."""

    @abstractmethod
    def write(self, path: str, data: bytes, durable: bool = True) -> None:
        """Put a file in its place, replacing an older one; a crash leaves the old file or the new one.

        Args:
            durable: wait until it is on the disk; what has no meaning after a power cut need not.

        Raises:
            StoreFullError: when the disk, a quota or a limit of the file system is reached, or the store takes no file
                for another reason.
        """

    @abstractmethod
    def write_first(self, path: str, data: bytes) -> bool:
        """Likewise, but without replacing a file where `knows_first`; whether the file was put.

        Raises:
            StoreFullError: as above.
        """

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file if it is there and may be removed."""

    @abstractmethod
    def remove_leftovers(self) -> None:
        """Remove the temporary files of writers that died."""

    def check_writable(self) -> None:
        """Try what a run will do: make a file in every folder that there is, and remove it; nothing is left behind.

        Raises:
            InputError: results could not be stored.
        """
        try:
            self._try_writing()
        except InputError:
            raise
        except Exception as error:  # of whatever package speaks to the server
            reason = reason_of(error, self.url)
            raise InputError(
                f"storage {self.url!r} cannot be written to ({reason}); make it writable, or name another `storage`"
            ) from error

    @abstractmethod
    def _try_writing(self) -> None:
        """Fail as a run would."""


@contextmanager
def room(url: str, failures: type[Exception]) -> Iterator[None]:
    """Say of what fails inside that the store takes no file.

    Args:
        failures: what a place like this raises where it does not.

    Raises:
        StoreFullError: one of them was.
    """
    try:
        yield
    except failures as error:
        reason = reason_of(error, url)
        if isinstance(error, OSError) and error.errno in FULL:
            raise StoreFullError(
                f"no space left for results in {url} ({reason}); free some and run the same command again"
            ) from error
        raise StoreFullError(
            f"results cannot be written to {url} ({reason}); mend that and run the same command again"
        ) from error


def reason_of(error: Exception, url: str) -> str:
    """What went wrong, without the password that the URL may hold: servers' packages quote parts of it."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or repr(error)
    return redacted(words, url)
