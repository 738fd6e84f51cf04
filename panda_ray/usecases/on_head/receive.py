"""Files that a laptop brings to a cluster's storage, piece by piece, over as many jobs as it takes."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from panda_ray.usecases.on_head.home import find_home
from panda_ray.usecases.on_head.shelf import Shelf
from panda_ray.usecases.remote.folders import PIECES


def receive(listed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Take the pieces that this job brought.

    Args:
        listed: `place`, `size` (bytes) and `sha256` of every file that belongs together.

    Returns:
        `lacking`: hash and offset of the pieces that have not come; `view`: the folder of all files, a path or a URL,
        None while a piece lacks.

    Raises:
        InputError: what came is not what was announced.
    """
    shelf = Shelf(f"{find_home().notes}/data")
    sizes = {file["sha256"]: file["size"] for file in listed}
    for piece in _pieces():
        if piece.parent.name in sizes:
            shelf.keep(piece.parent.name, int(piece.name), piece.read_bytes())
    lacking = shelf.lacking(sizes)
    if lacking:
        return {"lacking": [list(piece) for piece in lacking], "view": None}
    shelf.complete(sizes)
    return {"lacking": [], "view": shelf.view(listed)}


def _pieces() -> list[Path]:
    """In the packages of this job, which Ray has put on the path."""
    return [piece for entry in sys.path for piece in sorted(Path(entry, PIECES).glob("*/*"))]
