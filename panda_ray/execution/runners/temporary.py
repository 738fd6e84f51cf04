"""Folders for what a process needs while it runs, readable by this user only.

A process that is killed cannot remove its own. Each folder holds a file that its process locks, so the next run can
tell what is left over from what is in use: the lock goes with the process, whatever ended it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from panda_ray.execution.signals import undone_at_once

_PREFIX = "panda-ray-run-"
_LOCK = "lock"
_UNLOCKED_SECONDS = 60.0
"""A folder without a lock is so new that its process has not locked it yet, or as old as this and left over."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of mode 0700 while the context lasts; what killed processes left is removed on the way.

    It is in /tmp where that exists, whatever `TMPDIR` says: Ray makes sockets in it, and the name of a socket has 107
    bytes at the most.

    Raises:
        OSError: nothing can be written there.
    """
    parent = _parent()
    remove_left_over_folders()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        with (folder / _LOCK).open("w") as lock, undone_at_once(lambda: _remove(folder)):
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        _remove(folder)


def _parent() -> Path:
    short = Path("/tmp")
    return short if short.is_dir() and os.access(short, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def left_over_folders() -> list[Path]:
    """What killed processes of this user left."""
    return [folder for folder in _parent().glob(f"{_PREFIX}*") if _is_left_over(folder)]


def remove_left_over_folders() -> int:
    """Remove them; how many there were."""
    found = left_over_folders()
    for folder in found:
        _remove(folder)
    return len(found)


def _is_left_over(folder: Path) -> bool:
    """A folder of this user's whose process is gone."""
    try:
        status = folder.lstat()
        if status.st_uid != os.getuid() or folder.is_symlink() or not folder.is_dir():
            return False
        if not (folder / _LOCK).exists():
            return time.time() - status.st_mtime > _UNLOCKED_SECONDS and not any(folder.iterdir())
        with (folder / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # locked, or removed by another process meanwhile
        return False
    return True


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
