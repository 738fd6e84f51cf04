"""Files of a user's own task in a data set's repository of the Hub: `hf://datasets/OWNER/NAME@COMMIT/PATH`.

That is how fsspec and pandas name them, too. A commit never changes, so neither do the rows; which commit and which
files a data set's name means is asked once, in `hub_splits.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.tasks.rows.hub import HubFiles, are_cached, fetched

SCHEME = "hf://datasets/"
_PLACE = re.compile(
    r"hf://datasets/(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>refs/\w+/[\w.-]+|[\w.-]+))?/(?P<path>.+)"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_on_hub(place: str) -> bool:
    """Whether a place of rows is one of the Hub."""
    return place.startswith("hf://")


def place_of(files: HubFiles) -> str:
    """How a sweep file names files of one pattern."""
    (pattern,) = files.patterns
    return f"{SCHEME}{files.repository}@{files.revision}/{pattern}"


def unpinned(place: str) -> HubFiles:
    """What a place names, whatever its revision; without one the main branch.

    Raises:
        InputError: it names no file of a repository.
    """
    found = _PLACE.fullmatch(place)
    if found is None:
        raise InputError(f"{place!r} names no file of a data set: {SCHEME}OWNER/NAME@COMMIT/PATH")
    return HubFiles(found["repository"], found["revision"] or "main", (found["path"],))


def unnamed(place: str) -> list[str]:
    """What is wrong with how a sweep file names files of the Hub, if anything; asks nobody."""
    try:
        pinned(place)
    except InputError as error:
        return [str(error)]
    return []


def pinned(place: str) -> HubFiles:
    """What a place names.

    Raises:
        InputError: it names no file of a repository, or no commit.
    """
    files = unpinned(place)
    if _COMMIT.fullmatch(files.revision) is None:
        raise InputError(
            f"{place!r} names no commit (40 hexadecimal digits), and rows may change on the way; `panda-ray init "
            f"{files.repository}` writes a sweep file with the newest one"
        )
    return files


def is_here(place: str) -> bool:
    """Whether the files of a place are on this disk already; asks nobody."""
    return are_cached(pinned(place))


def files_at(place: str, whose: str) -> Sequence[Path]:
    """Local files of a place, fetched if the cache lacks one.

    Args:
        whose: how messages begin.

    Raises:
        InputError: it names no commit, the Hub cannot be reached, or has no such file.
    """
    (files,) = fetched(pinned(place), whose, "connect once, or download them and name the file here")
    return files
