"""Tuned files: the hyper-parameters that a sweep names by a path, read into its place, and written by a search."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from panda_ray.errors import InputError
from panda_ray.foreign_text import one_line
from panda_ray.sweep.hyperparameters import Tuned
from panda_ray.sweep_file.file_text import file_text
from panda_ray.sweep_file.yaml_source import Places, parse_yaml

KEY = "hyperparameters"

_MOST_BYTES = 1 << 19
"""Half of what a sweep file may have, as a sweep travels with what its tuned file holds."""

_PLAIN = re.compile("[A-Za-z][A-Za-z0-9_.-]*")
_WORDS_OF_YAML = ("null", "true", "false")


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


def tuned_text(tuned: Tuned, comments: Iterable[str]) -> str:
    """A tuned file that says this, for people: a line per key, comments first."""
    lines = [f"# {one_line(comment)}" for comment in comments]
    lines += ["format: 1", "chosen:" if tuned.chosen else "chosen: []"]
    for chosen in tuned.chosen:
        said = chosen.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        lines += [f"  {' ' if index else '-'} {key}: {_flow(said[key])}" for index, key in enumerate(said)]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """A value in one line of YAML; words stand for themselves, other text is quoted as JSON quotes it."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_flow(key)}: {_flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML:
        return value
    return json.dumps(value)
