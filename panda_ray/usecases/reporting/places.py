"""Where a report is written."""

from __future__ import annotations

import tempfile
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep


def beside_results(sweep: Sweep) -> Path:
    """Where the report of a sweep lies, or would if its storage were on this machine."""
    is_remote = "://" in sweep.storage
    return (Path() if is_remote else Path(sweep.storage)) / "reports" / sweep.name


def check_folder(folder: Path) -> None:
    """Make the folder of a report, before the report is.

    Raises:
        InputError: it cannot be a folder, or nothing can be written in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"the report cannot be written to {folder} ({error.strerror}); choose another folder: report --out DIR"
        ) from error
