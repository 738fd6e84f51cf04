"""Where a store keeps what belongs to a unit: `units/<first two digits>/<key>/`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from panda_ray.execution.store.files.folder import State

_PLACE = re.compile(r"units/([0-9a-f]{2})/\1[0-9a-f]{62}/[^/]+")


def path_of(key: str, name: str) -> str:
    """Of a file in the folder of a unit."""
    return f"units/{key[:2]}/{key}/{name}"


def is_record(path: str) -> bool:
    """Whether a path is that of a unit's record."""
    return path.endswith("/record.json")


def of_units(listed: Mapping[str, State]) -> Mapping[str, State]:
    """What of a listing is where a unit's files are."""
    return {path: state for path, state in listed.items() if _PLACE.fullmatch(path)}


def key_of(path: str) -> str:
    """Of the unit that a file belongs to."""
    return path.split("/")[2]
