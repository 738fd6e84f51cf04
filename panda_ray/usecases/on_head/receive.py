"""Files that a laptop brings to a cluster's storage, piece by piece; whole ones lie under the hash of their content."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from panda_ray.errors import InputError
from panda_ray.usecases.on_head.home import Home, find_home
from panda_ray.usecases.remote.folders import PIECES


def receive(listed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Take the pieces that this job brought.

    Args:
        listed: `place`, `size` (bytes) and `sha256` of every file that belongs together.

    Returns:
        `lacking`: hashes of the files that are not complete; `view`: the folder of all of them, None while one lacks.

    Raises:
        InputError: the storage is no folder, or what came is not what was announced.
    """
    folder = _folder(find_home())
    blobs, partial = folder / "blobs", folder / "partial"
    for made in (blobs, partial):
        made.mkdir(parents=True, exist_ok=True)
    sizes = {file["sha256"]: file["size"] for file in listed}
    for piece in _pieces():
        _put(partial / piece.parent.name, int(piece.name), piece)
    for sha256, size in sizes.items():
        _complete(partial / sha256, blobs / sha256, size)
    lacking = [sha256 for sha256 in sizes if not (blobs / sha256).exists()]
    return {"lacking": lacking, "view": None if lacking else str(_view(folder, blobs, listed))}


def _folder(home: Home) -> Path:
    if "://" in home.root:
        raise InputError(
            f"data cannot be uploaded into {home.root}, which nodes do not see as a folder; put it into one that all "
            "of them see, or leave data_root out to use the Hub"
        )
    return Path(home.notes) / "data"


def _pieces() -> list[Path]:
    """In the packages of this job, which Ray has put on the path."""
    return [piece for entry in sys.path for piece in sorted(Path(entry, PIECES).glob("*/*"))]


def _put(target: Path, offset: int, piece: Path) -> None:
    target.touch()
    with target.open("r+b") as file:
        file.seek(offset)
        file.write(piece.read_bytes())


def _complete(partial: Path, blob: Path, size: int) -> None:
    """Give a file its place once all of it is there."""
    if not partial.exists() or partial.stat().st_size < size:
        return
    with partial.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found == blob.name:
        partial.replace(blob)
        return
    # Of several pieces a late one may have come before an early one.
    if partial.stat().st_size > size:
        partial.unlink()
        raise InputError(f"a file changed while it was brought to {partial.parent}; submit again")


def _view(folder: Path, blobs: Path, listed: Sequence[Mapping[str, Any]]) -> Path:
    """The files under their names."""
    named = "\n".join(sorted(f"{file['sha256']} {file['place']}" for file in listed))
    view = folder / "views" / hashlib.sha256(named.encode()).hexdigest()[:24]
    if view.exists():
        return view
    making = view.with_suffix(f".{os.getpid()}")
    for file in listed:
        place = PurePosixPath(file["place"])
        if place.is_absolute() or ".." in place.parts:
            raise InputError(f"{place} is no place below the storage")
        target = making / place
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(blobs / file["sha256"], target)
        except OSError:  # a file system without links
            shutil.copyfile(blobs / file["sha256"], target)
    making.replace(view)
    return view
