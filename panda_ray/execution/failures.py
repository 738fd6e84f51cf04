"""Why units have no result: one file per failed unit, gone once the unit is done."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from panda_ray.execution.files import Files


@dataclass(frozen=True)
class Failure:
    """The last failure of a unit.

    Attributes:
        error: one sentence.
        traceback: where it happened; empty where the cause is in the data or the numbers.
        at: time in UTC, ISO 8601.
    """

    key: str
    error: str
    traceback: str
    at: str


class Failures:
    """The failures of a store."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def write(self, key: str, error: str, traceback: str = "") -> None:
        """Remember why a unit failed, in place of an earlier failure."""
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._files.write(_path(key), json.dumps(asdict(Failure(key, error, traceback, at)), indent=1).encode())

    def read(self, key: str) -> Failure | None:
        """The last failure of a unit that is not done."""
        data = self._files.read(_path(key))
        return Failure(**json.loads(data)) if data is not None else None

    def among(self, keys: Collection[str]) -> dict[str, Failure]:
        """The failures of these units."""
        listed = [path for path in self._files.states("failures") if _key(path) in keys]
        return {_key(path): Failure(**json.loads(data)) for path, data in self._files.read_many(listed) if data}

    def clear(self, key: str) -> None:
        """Forget the failure of a unit that is done."""
        self._files.remove(_path(key))


def _path(key: str) -> str:
    return f"failures/{key}.json"


def _key(path: str) -> str:
    return path.removeprefix("failures/").removesuffix(".json")
