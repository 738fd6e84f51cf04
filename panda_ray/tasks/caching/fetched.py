"""Folders of data and models that a server keeps (`s3://`, `gs://`): fetched once per machine into the user's cache.

What is fetched has a name that depends on what the server lists, so a file that changes there is fetched anew. A
process goes on with what it has seen first: it trains on what was planned.
"""

from __future__ import annotations

import fcntl
import shutil
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Any

from panda_ray.errors import InputError
from panda_ray.secrets import public, redacted
from panda_ray.tasks.caching.disk import address, cache_home

_CHANGING = ("size", "ETag", "md5Hash", "mtime")
"""What listings say that is other for other content, each server in its words."""

_fetched: dict[str, Path] = {}


def is_url(place: str) -> bool:
    """Whether a folder is one of a server."""
    return "://" in place


def local_folder(place: str) -> Path:
    """A folder on this machine: the place itself, or what there is of a URL; of an empty one, a folder that is not.

    Raises:
        InputError: the server cannot be read, or this machine has no room.
    """
    if not is_url(place):
        return Path(place).expanduser()
    if place not in _fetched or not _fetched[place].exists():
        try:
            _fetched[place] = _fetch(place)
        except InputError:
            raise
        except Exception as error:  # of whatever package speaks to the server
            why = " ".join(redacted(str(error) or repr(error), place).split())
            raise InputError(f"{public(place)} cannot be fetched to {cache_home()}: {why}") from error
    return _fetched[place]


def _fetch(url: str) -> Path:
    import fsspec

    fs, root = fsspec.core.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
    try:
        listed = fs.find(root, detail=True)
    except FileNotFoundError:
        listed = {}
    files = {path.removeprefix(f"{root}/"): info for path, info in listed.items()}
    folder = cache_home() / "fetched" / address([url, _described(files)])
    if not files or folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        # Of several processes of a machine one fetches, and the others wait.
        lock = stack.enter_context(folder.with_suffix(".lock").open("wb"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _download(fs, root, files, folder)
    return folder


def _download(fs: Any, root: str, files: Mapping[str, Any], folder: Path) -> None:
    """All files, and then their folder's name."""
    making = folder.with_suffix(f".{uuid.uuid4().hex}")
    try:
        for place in files:
            if ".." in PurePosixPath(place).parts or place.startswith("/"):
                raise InputError(f"{place!r} is no place below a folder")
            (making / place).parent.mkdir(parents=True, exist_ok=True)
        fs.get([f"{root}/{place}" for place in files], [str(making / place) for place in files])
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _described(files: Mapping[str, Any]) -> list[list[str]]:
    return [[place, *(str(info.get(name)) for name in _CHANGING)] for place, info in sorted(files.items())]
