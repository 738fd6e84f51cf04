"""Why units have no result: one file per failed unit, gone once the unit is done.

One that another driver wrote meanwhile may stay beside a result. Readers ask for failures of units without one.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from panda_ray.execution.store.files.files import Files
from panda_ray.execution.store.sealed import is_host, is_key, parse


@dataclass(frozen=True)
class Failure:
    """The last failure of a unit.

    Attributes:
        error: one sentence.
        traceback: where it happened; empty where the cause is in the data or the numbers.
        at: time in UTC, ISO 8601.
        host: the machine that it ran on; empty where that is not known.
    """

    key: str
    error: str
    traceback: str
    at: str
    host: str


class Failures:
    """The failures of a store."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._known: set[str] | None = None
        """Files that there were when they were listed, or that were written here since."""

    def write(self, key: str, error: str, traceback: str = "", host: str = "") -> None:
        """Remember why a unit failed, in place of an earlier failure."""
        if self._known is not None:
            self._known.add(_path(key))
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._files.write(_path(key), json.dumps(asdict(Failure(key, error, traceback, at, host)), indent=1).encode())

    def read(self, key: str) -> Failure | None:
        """The last failure of a unit that is not done."""
        return _failure(key, self._files.read(_path(key))) if is_key(key) else None

    def among(self, keys: Collection[str]) -> dict[str, Failure]:
        """The failures of these units."""
        listed = [path for path in self._files.states("failures") if is_key(_key(path)) and _key(path) in keys]
        read = ((_key(path), _failure(_key(path), data)) for path, data in self._files.read_many(listed))
        return {key: failure for key, failure in read if failure is not None}

    def clear(self, key: str) -> None:
        """Forget the failure of a unit that is done; one listing for all of them, because few have failed."""
        if self._known is None:
            self._known = set(self._files.states("failures"))
        if _path(key) in self._known:
            self._known.discard(_path(key))
            self._files.remove(_path(key))


def _failure(key: str, data: bytes | None) -> Failure | None:
    """What a file says, or None if it says nothing of this unit."""
    said = parse(data or b"")
    if not isinstance(said, dict) or said.get("key") != key:
        return None
    texts = [said.get(name) for name in ("error", "traceback", "at", "host")]
    if not all(isinstance(text, str) for text in texts) or not (texts[-1] == "" or is_host(texts[-1])):
        return None
    return Failure(key, *texts)  # type: ignore[arg-type]


def _path(key: str) -> str:
    return f"failures/{key}.json"


def _key(path: str) -> str:
    return path.removeprefix("failures/").removesuffix(".json")
