"""The name of a sweep, for those who ask a cluster or MLflow about it and need no file of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.sweep_file import load_sweep
from panda_ray.sweep_file.shipped import shipped_sweeps

_ENDINGS = (".yaml", ".yml")


def is_sweep_file(given: str) -> bool:
    """Whether a sweep file is meant: by its ending, because it is there, or as one that comes with the package."""
    return given.endswith(_ENDINGS) or Path(given).is_file() or given in shipped_sweeps()


def sweep_name(given: str, overrides: Sequence[str] = ()) -> str:
    """The name in a sweep file, or what was given where it is no file.

    Args:
        given: a path, the name of a sweep that comes with the package, or the name of any sweep.
        overrides: `--set` texts.

    Raises:
        InputError: the file is not there, or is none; or something is to be set and there is no file.
    """
    if is_sweep_file(given) or Path(given).exists():
        return load_sweep(given, overrides).name
    if overrides:
        raise InputError(f"--set changes a sweep file, and {given!r} is none")
    return given
