"""Whether results of a sweep lie where the same relative path leads from another folder."""

from __future__ import annotations

import os
from pathlib import Path

from panda_ray.sweep import Sweep


def results_elsewhere(sweep: Sweep, sweep_file: str) -> str | None:
    """A sentence where a relative storage holds nothing here, and does in a folder above or in that of the sweep file.

    Args:
        sweep_file: as it was given, from the working directory.
    """
    storage = Path(sweep.storage)
    if "://" in sweep.storage or storage.is_absolute() or _has_results(storage):
        return None
    here = Path.cwd()
    for folder in (Path(os.path.normpath(Path(sweep_file).absolute().parent)), *here.parents):
        if folder != here and _has_results(folder / storage):
            return (
                f"storage {sweep.storage!r} begins at the working directory, and there are no results in it; there are "
                f"in {folder / storage}: work in {folder}, or give --set 'storage={folder / storage}'"
            )
    return None


def _has_results(storage: Path) -> bool:
    return (storage / "units").is_dir()
