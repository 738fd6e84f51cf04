"""Sweep files: YAML to a checked `Sweep`, with every problem named by file, line and key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.sweep_file.checking.messages import explain, raise_problems
from panda_ray.sweep_file.file_text import file_text
from panda_ray.sweep_file.included import MOST_BYTES, insert_included
from panda_ray.sweep_file.overrides import apply_override
from panda_ray.sweep_file.shipped import shipped_sweeps, sweep_path
from panda_ray.sweep_file.suites import expand_suites
from panda_ray.sweep_file.tuned_file import insert_tuned
from panda_ray.sweep_file.yaml_source import parse_yaml

__all__ = ["load_sweep"]


def load_sweep(path: str, overrides: Sequence[str] = (), runs_here: bool = True) -> Sweep:
    """Read a sweep file with what it includes, override and check it.

    Args:
        path: of the file, or the name of a sweep that comes with the package.
        overrides: `--set` texts, `dotted.key=value`, applied in order.
        runs_here: folders of data and models must be on this machine.

    Raises:
        InputError: one sentence per problem, with file and line (or the `--set` that caused it).
    """
    path = sweep_path(path)
    data, places = parse_yaml(_read(path), path)
    if not isinstance(data, dict):
        raise InputError(f"{path}: a sweep is a mapping of keys to values, beginning with `name:`")
    data, places = insert_included(data, places, path)
    for text in overrides:
        apply_override(data, places, text)
    raise_problems(expand_suites(data, places))
    insert_tuned(data, places)
    try:
        sweep = Sweep.model_validate(data)
    except ValidationError as error:
        raise_problems(explain(error, Sweep, places))
        raise
    # Needs torch: a misspelt key is answered without waiting for it.
    from panda_ray.sweep_file.checking.names import folder_problems, name_problems
    from panda_ray.sweep_file.checking.tuned_names import tuned_problems

    problems = [*name_problems(sweep, places), *tuned_problems(sweep, places)]
    raise_problems([*problems, *(folder_problems(sweep, places) if runs_here else ())])
    return sweep


def _read(path: str) -> str:
    files = [str(file) for file in Path("sweeps").rglob("*.yaml")]
    return file_text(path, "sweep file", MOST_BYTES, [files, shipped_sweeps()])
