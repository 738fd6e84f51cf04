"""What was submitted to a cluster, kept beside its sweeps: one note per sweep, the last submission of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from panda_ray.errors import InputError
from panda_ray.execution.store.files.opening import open_files
from panda_ray.usecases.on_head.home import Home, find_home

_FOLDER = "submissions"

EXIT_STATES = {0: "done", 1: "failed", 2: "refused"}
_ASKED_FOR = {"pausing": "paused", "cancelling": "cancelled"}


@dataclass(frozen=True)
class Submission:
    """The last submission of a sweep.

    Attributes:
        id: of its job, `<sweep>-<n>`.
        state: running, pausing, paused, cancelling, cancelled, stopped, failed, refused or done; as far as its driver
            has lived to write it.
        since: seconds since 1970, of the state.
        sweep: what was submitted, overrides and suites resolved.
    """

    id: str
    state: str
    since: float
    sweep: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Of the sweep."""
        return str(self.sweep["name"])

    @property
    def summary(self) -> dict[str, Any]:
        """JSON data that may be printed: a sweep may hold passwords in its URIs."""
        return {"sweep": self.name, "id": self.id, "state": self.state, "since": self.since}

    def now(self, state: str) -> Submission:
        """The same in another state."""
        return replace(self, state=state, since=time.time())

    def ended(self, code: int) -> Submission:
        """The same after its driver's exit status."""
        return self.now(EXIT_STATES.get(code) or _ASKED_FOR.get(self.state, "stopped"))


_SUBMISSION: TypeAdapter[Submission] = TypeAdapter(Submission)


class Submissions:
    """The notes of one cluster."""

    def __init__(self, home: Home) -> None:
        self._files = open_files(home.notes)

    def find(self, sweep: str) -> Submission | None:
        """The last one of a sweep; None where there is none that can be read."""
        return _parsed(self._files.read(f"{_FOLDER}/{sweep}.json"))

    def all(self) -> Iterator[Submission]:
        """The last one of every sweep."""
        paths = [path for path in self._files.states(_FOLDER) if path.endswith(".json")]
        for _, content in self._files.read_many(paths):
            if (found := _parsed(content)) is not None:
                yield found

    def keep(self, submission: Submission) -> None:
        """Raises: StoreFullError where the storage takes nothing."""
        self._files.write(f"{_FOLDER}/{submission.name}.json", json.dumps(asdict(submission)).encode())


def known_submission(name: str) -> Submission:
    """The last submission of a sweep on this cluster.

    Raises:
        InputError: there is none.
    """
    found = Submissions(find_home()).find(name)
    if found is None:
        raise InputError(f"this cluster knows no sweep {name!r}; `panda-ray jobs` lists those that it knows")
    return found


def _parsed(content: bytes | None) -> Submission | None:
    if content is None:
        return None
    try:
        return _SUBMISSION.validate_json(content)
    except ValidationError:
        return None
