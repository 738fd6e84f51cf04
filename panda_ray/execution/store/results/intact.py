"""Which files are as their records say: each is hashed once per process as long as its size and time stay."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from panda_ray.execution.store.files.files import LARGEST_NOTE, Files
from panda_ray.execution.store.files.folder import State
from panda_ray.execution.store.results.unit_paths import is_record


class IntactFiles:
    """The files of a store, as far as they were looked at."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._digests: dict[str, tuple[State, str]] = {}
        """Of local files, with the state that they were read in."""

    def note(self, path: str, state: State, data: bytes) -> None:
        """Remember what was read of a local file, as it was listed."""
        self._digests[path] = state, sha256_of(data)

    def is_known(self, path: str, state: State, sha256: str) -> bool:
        """Whether a local file with this state was found to have this content."""
        return self._digests.get(path) == (state, sha256)

    def must_read(self, path: str, state: State) -> bool:
        """Whether a listed file has to be read to know of its unit: its hash is not known, or it is a record."""
        if is_record(path):
            return True
        is_small = state.size <= LARGEST_NOTE  # a larger one is read only if a record names it with this size
        return self._files.is_local and is_small and self._digests.get(path, (None, ""))[0] != state

    def is_intact(self, path: str, file: Mapping[str, Any]) -> bool:
        """Whether a file is as its record says; it is hashed once as long as its size and time stay."""
        state = self._files.state(path)
        if state is not None and self.is_known(path, state, file["sha256"]):
            return True
        if self._files.sha256(path, file["bytes"]) != file["sha256"]:
            return False
        if state is not None:
            self._digests[path] = state, file["sha256"]
        return True

    def read(self, path: str, file: Mapping[str, Any]) -> bytes | None:
        """A file that is as its record says, or None; one that is longer is not read."""
        data = self._files.read(path, limit=file["bytes"])
        return data if data is not None and sha256_of(data) == file["sha256"] else None


def sha256_of(data: bytes) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
