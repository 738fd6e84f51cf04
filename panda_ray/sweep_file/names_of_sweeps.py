"""The name of a sweep, for those who ask a cluster or MLflow about it and need no file of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.sweep_file import load_sweep
from panda_ray.sweep_file.shipped import shipped_sweeps

_ENDINGS = (".yaml", ".yml")


def sweep_name(given: str, overrides: Sequence[str] = ()) -> str:
    """The name in a sweep file, or what was given where it is no file.

    Args:
        given: a path, the name of a sweep that comes with the package, or the name of any sweep.
        overrides: `--set` texts.

    Raises:
        InputError: the file is not there, or is none; or something is to be set and there is no file.
    """
    if given.endswith(_ENDINGS) or Path(given).exists() or given in shipped_sweeps():
        return load_sweep(given, overrides).name
    if overrides:
        raise InputError(f"--set changes a sweep file, and {given!r} is none")
    return given
