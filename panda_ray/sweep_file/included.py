"""`include:` of a sweep file: what several sweeps have in common stands in a file of its own.

A sweep is what its file and those that it includes say together. Mappings are merged, key by key; of everything else,
lists too, one value stays: the including file's before that of what it includes, a later file's of a list before an
earlier one's. Every value keeps its own file and line.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from panda_ray.errors import InputError, shown
from panda_ray.sweep_file.file_text import file_text
from panda_ray.sweep_file.shipped import shipped_sweeps
from panda_ray.sweep_file.yaml_source import Path as Keys
from panda_ray.sweep_file.yaml_source import Places, parse_yaml

KEY = "include"

MOST_FILES = 32
"""Files that a sweep includes, directly or not; one that is included twice counts twice."""

MOST_BYTES = 1 << 20
"""Of each file."""

_Said = tuple[dict[str, Any], Places]


def insert_included(data: dict[str, Any], places: Places, path: str) -> _Said:
    """A sweep file together with what it includes, without the key that names it.

    Args:
        data: what the file itself says.
        path: of the file.

    Raises:
        InputError: a file that cannot be read, is no mapping or includes itself, or too many of them.
    """
    return _Reading().whole(data, places, (path,))


class _Reading:
    """Reads the files of one sweep, and counts them."""

    def __init__(self) -> None:
        self._files = 0

    def whole(self, data: dict[str, Any], places: Places, chain: tuple[str, ...]) -> _Said:
        """What a file says, over what it includes.

        Args:
            chain: paths from the sweep's own file to this one.
        """
        said: _Said = {}, Places({})
        for given, here in _named(data, places):
            said = _over(self._read(given, here, chain), said)
        own = {key: value for key, value in data.items() if key != KEY}
        return _over((own, places), said)

    def _read(self, given: str, here: str, chain: tuple[str, ...]) -> _Said:
        path = _path(given, chain[-1])
        if _is_among(path, chain):
            raise InputError(f"{here}: {KEY}: a file that includes itself: {' -> '.join([*chain, path])}")
        self._files += 1
        if self._files > MOST_FILES:
            raise InputError(f"{here}: {KEY}: {path} is one more than the {MOST_FILES} files that a sweep may include")
        near = [str(file) for file in sorted(Path(path).parent.glob("*.yaml"))]
        text = file_text(path, "file to include", MOST_BYTES, [near, shipped_sweeps()], here)
        data, places = parse_yaml(text, path)
        if not isinstance(data, dict):
            raise InputError(f"{path}: a file that is included is a mapping of keys to values, as in {here}")
        return self.whole(data, places, (*chain, path))


def _named(data: dict[str, Any], places: Places) -> Iterator[tuple[str, str]]:
    """The files that are included, and where each is named."""
    given = data.get(KEY, [])
    for index, file in enumerate(given if isinstance(given, list) else [given]):
        here = places.find((KEY, index))
        if not isinstance(file, str) or not file:
            raise InputError(f"{here}: {KEY}: must be a file or a list of files, not {shown(given)}")
        yield file, here


def _path(given: str, including: str) -> str:
    """The file that is meant: beside the including one, or a sweep that comes with the package."""
    beside = str(Path(including).parent / Path(given).expanduser())
    shipped = shipped_sweeps().get(given)
    if shipped is not None and not Path(beside).exists():
        return str(shipped)
    shorter = os.path.normpath(beside)
    return shorter if _is_among(shorter, (beside,)) else beside


def _is_among(path: str, others: Iterable[str]) -> bool:
    return os.path.realpath(path) in {os.path.realpath(other) for other in others}


def _over(above: _Said, below: _Said) -> _Said:
    """Both together; where both say something, `above` is right."""
    replaced: set[Keys] = set()
    data = _merged(above[0], below[0], (), replaced)
    return data, above[1].over(below[1], replaced)


def _merged(above: dict[str, Any], below: dict[str, Any], keys: Keys, replaced: set[Keys]) -> dict[str, Any]:
    """One mapping of two; notes in `replaced` what is no longer `below`'s."""
    merged = dict(below)
    for key, value in above.items():
        under = below.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            merged[key] = _merged(value, under, (*keys, key), replaced)
        else:
            merged[key] = value
            replaced.add((*keys, key))
    return merged
