"""Files of a folder of this machine that anybody may have written to.

Only regular files are opened, and no link inside of the folder is followed: not to a file, and not to a folder on the
way. What cannot be read is absent. What stands where a folder or a file must be is moved aside, never removed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

ASIDE = "aside"
"""Folder for what stood in the way."""

DEEPEST = 3
"""Folders inside of each other that a listing looks into."""

_PIECE_BYTES = 1 << 20

_OUT_OF_MEANS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Errors of this process, which say nothing about a file."""

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Opening a FIFO would wait for its writer."""


class State(NamedTuple):
    """What a listing says of a file.

    Attributes:
        size: bytes.
        changed: nanoseconds since the epoch; 0 where files are not on a local disk.
        md5: of the content, in hex digits, where a server's listing may say it; else empty. A tag of another sort may
            look like one.
    """

    size: int
    changed: int
    md5: str = ""


class _Open(NamedTuple):
    """An open file and its size in bytes."""

    handle: int
    size: int


def read(root: str, path: str, limit: int) -> bytes | None:
    """A file of at most `limit` bytes, by its path below the root; None where there is none."""
    return read_listed(f"{root}/{path}", limit) if _is_plain(root, path) else None


def read_listed(path: str, limit: int) -> bytes | None:
    """Likewise, by the whole path of a file that was just listed: the folders on the way are known."""
    file = _opened(path)
    if file is not None and file.size > limit:
        os.close(file.handle)
        return None
    return None if file is None else _content(file, limit)


def read_start(root: str, path: str, size: int) -> bytes | None:
    """At most the first `size` bytes of a file, however long it is."""
    file = _opened(f"{root}/{path}") if _is_plain(root, path) else None
    return None if file is None else _content(file, size)


def sha256(root: str, path: str, size: int) -> str | None:
    """The hash of a file of this size, without ever holding all of it; None where there is none."""
    file = _opened(f"{root}/{path}") if _is_plain(root, path) else None
    if file is None:
        return None
    digest = hashlib.sha256()
    try:
        if file.size != size:
            return None
        while size > 0:
            if not (part := _bytes(file.handle, min(size, _PIECE_BYTES))):
                return None
            digest.update(part)
            size -= len(part)
    finally:
        os.close(file.handle)
    return digest.hexdigest()


def walk(folder: str, prefix: str, deepest: int = DEEPEST) -> Iterator[tuple[str, State]]:
    """Path, with the prefix, and state of every regular file below a folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):  # another driver may have removed it meanwhile
                if entry.is_file(follow_symlinks=False):
                    yield prefix + entry.name, _state(entry.stat(follow_symlinks=False))
                elif deepest and entry.is_dir(follow_symlinks=False):
                    yield from walk(entry.path, f"{prefix}{entry.name}/", deepest - 1)


def state(root: str, path: str) -> State | None:
    """The state of one file, or None where there is none."""
    try:
        found = os.lstat(f"{root}/{path}")
    except OSError:
        return None
    return _state(found) if stat.S_ISREG(found.st_mode) and _is_plain(root, path) else None


def make_way(root: Path, folder: str) -> Path:
    """A folder below the root, made where it is missing.

    Raises:
        OSError: it cannot be made.
    """
    place = root
    for name in folder.split("/"):
        place = place / name
        found = _mode(place)
        if found is not None and not stat.S_ISDIR(found):
            move_aside(root, place)
            found = None
        if found is None:
            place.mkdir(parents=True, exist_ok=True)
    return place


def move_aside(root: Path, place: Path) -> None:
    """Make room for a file or a folder; what was there is kept under another name.

    Raises:
        OSError: it cannot be moved.
    """
    aside = root / ASIDE
    aside.mkdir(exist_ok=True)
    place.rename(aside / f"{uuid.uuid4().hex}-{place.name}"[:255])


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None


def _is_plain(root: str, path: str) -> bool:
    """Whether every folder on the way to a file is one, and no link to another place."""
    place = root
    for name in path.split("/")[:-1]:
        place = f"{place}/{name}"
        try:
            if not stat.S_ISDIR(os.lstat(place).st_mode):
                return False
        except OSError:
            return False
    return True


def _opened(path: str) -> _Open | None:
    """A regular file; `fsspec` and `pathlib` take longer to open a small one than it takes to read it."""
    try:
        handle = os.open(path, _OPEN)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in _OUT_OF_MEANS:
            raise
        return None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        return None
    return _Open(handle, found.st_size)


def _content(file: _Open, limit: int) -> bytes | None:
    """At most `limit` bytes of a file, which is closed."""
    try:
        return _bytes(file.handle, min(file.size, limit))
    finally:
        os.close(file.handle)


def _bytes(handle: int, size: int) -> bytes | None:
    """The next bytes of a file, fewer at its end; None where the disk does not give them."""
    try:
        data = os.read(handle, size)
        while len(data) < size and (part := os.read(handle, size - len(data))):
            data += part
    except OSError:
        return None
    return data


def _state(found: os.stat_result) -> State:
    return State(found.st_size, found.st_mtime_ns)
