"""What processes that died left in a store, so old that nobody can be writing it any more.

Files of a unit without a record do no harm: the unit counts as not done, and its next result lies beside them. They
take room. Where files have no time of their own (object stores) nothing is called old.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict

from panda_ray.execution.store.files.files import LEFTOVER_SECONDS, Files
from panda_ray.execution.store.files.folder import State

_UNIT = re.compile(r"units/([0-9a-f]{2})/\1[0-9a-f]{62}/[^/]+")


class Leftovers:
    """The leftovers of a store."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def half_written(self) -> tuple[str, ...]:
        """Files of units whose record was never written, by their path."""
        folders: dict[str, dict[str, State]] = defaultdict(dict)
        for path, state in self._files.states("units").items():
            if _UNIT.fullmatch(path):
                folders[path.rpartition("/")[0]][path] = state
        return tuple(
            path
            for folder, states in folders.items()
            if f"{folder}/record.json" not in states and all(map(_is_old, states.values()))
            for path in states
        )

    def temporary(self) -> tuple[str, ...]:
        """Files that were being written."""
        return tuple(path for path, state in self._files.states("tmp").items() if _is_old(state))

    def remove(self) -> int:
        """Remove both; how many files there were."""
        found = (*self.half_written(), *self.temporary())
        for path in found:
            self._files.remove(path)
        return len(found)


def _is_old(state: State) -> bool:
    return bool(state.changed) and time.time() - state.changed / 1e9 > LEFTOVER_SECONDS
