"""Tuned files: the hyper-parameters that a sweep names by a path, read into its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from panda_ray.errors import InputError
from panda_ray.sweep_file.file_text import file_text
from panda_ray.sweep_file.yaml_source import Places, parse_yaml

KEY = "hyperparameters"

_MOST_BYTES = 1 << 19
"""Half of what a sweep file may have, as a sweep travels with what its tuned file holds."""


def insert_tuned(data: dict[str, Any], places: Places) -> None:
    """Replace the path of a tuned file by what the file holds, in place; its values keep their lines in it.

    Raises:
        InputError: it cannot be read, or is no mapping.
    """
    given = data.get(KEY)
    if not isinstance(given, str):
        return
    path, here = str(Path(given).expanduser()), places.find((KEY,))
    known = [str(file) for file in Path().glob("*.yaml")]
    held, lines = parse_yaml(file_text(path, "tuned file", _MOST_BYTES, [known], here), given)
    if not isinstance(held, dict):
        raise InputError(f"{given}: a tuned file is a mapping, beginning with `format: 1`")
    data[KEY] = held
    places.insert((KEY,), lines)
