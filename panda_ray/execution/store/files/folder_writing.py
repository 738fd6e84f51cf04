"""Files put into a folder of this machine, so that a crash leaves the old one or the new one; and whether it can be."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.execution.store.files.folder import make_way, move_aside

_LONGEST_ROOT = 3800
"""Bytes of a store's own path, out of the 4,096 that a path may have."""


def check(root: str) -> None:
    """See whether a path is a folder, or could become one; nothing is made.

    Raises:
        InputError: it is something else.
        OSError, ValueError: no path can be like that, or it cannot be looked at.
    """
    if len(os.fsencode(root)) > _LONGEST_ROOT:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    try:
        if not stat.S_ISDIR(os.stat(root).st_mode):  # noqa: PTH116  a Path would tidy the name
            raise InputError(f"storage {root!r} is a file; name a folder as `storage`")
    except FileNotFoundError:
        if os.path.islink(root):  # noqa: PTH114
            raise InputError(f"storage {root!r} is a link to a place that is not there; mend the link") from None
    except NotADirectoryError:
        raise InputError(f"storage {root!r} lies below a file; name a folder as `storage`") from None


def try_folders(root: Path, top: Iterable[str]) -> None:
    """Make a file in a store's folder and in those of `top` that are there, and remove it; nothing is left behind.

    Raises:
        InputError: one of them is a link.
        OSError: no file can be made.
    """
    for name in top:
        if (root / name).is_symlink():
            raise InputError(
                f"storage {str(root)!r}: its folder {name!r} is a link, and links in a storage are not followed; "
                "move the whole storage, and make the storage itself a link if you like"
            )
    made = [place for place in (root, *root.parents) if not place.exists()]
    try:
        root.mkdir(parents=True, exist_ok=True)
        for place in (root, *(root / name for name in top if (root / name).is_dir())):
            _try_folder(place)
    finally:
        for place in made:
            with suppress(OSError):
                place.rmdir()


def write(root: Path, path: str, data: bytes, durable: bool) -> None:
    """Put a file in its place below the root, replacing an older one.

    Args:
        durable: wait until it is on the disk.
    """
    folder, _, name = path.rpartition("/")
    temporary = make_way(root, "tmp") / f"{uuid.uuid4().hex}-{name}"
    place = make_way(root, folder) / name
    try:
        with temporary.open("xb") as handle:
            handle.write(data)
            handle.flush()
            if durable:
                os.fsync(handle.fileno())
        try:
            temporary.replace(place)
        except IsADirectoryError:
            move_aside(root, place)
            temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)
    if durable:
        _sync_folder(place.parent)


def _try_folder(place: Path) -> None:
    probe = place / f"probe-{uuid.uuid4().hex}"
    try:
        with probe.open("xb") as handle:
            handle.write(bytes(512))
            os.fsync(handle.fileno())
    finally:
        probe.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
