"""The sweeps that come with the package, by name: `quickstart`, `paper/bert_large`.

A file whose name begins with `_` is no sweep, but what several of them include.
"""

from __future__ import annotations

from pathlib import Path

import panda_ray

_FOLDER = Path(panda_ray.__file__).parent / "sweeps"


def shipped_sweeps() -> dict[str, Path]:
    """Name and file of each."""
    return {
        path.relative_to(_FOLDER).with_suffix("").as_posix(): path
        for path in sorted(_FOLDER.rglob("*.yaml"))
        if not path.name.startswith("_")
    }


def sweep_path(given: str) -> str:
    """The file that is meant: the one of that path, or the shipped sweep of that name where there is no such file."""
    shipped = shipped_sweeps().get(given)
    return given if shipped is None or Path(given).exists() else str(shipped)
