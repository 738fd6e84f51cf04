"""Whose turn it is to log: one process per sweep and store, so that no unit gets two runs.

MLflow cannot be asked to create a run unless there is one. Two drivers on one store therefore take turns: the first one
logs, at its end also what the other one has finished; the system takes the lock back from a process that dies.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from panda_ray.execution.store.store import Store


class Turn:
    """The right to log a sweep.

    A remote store, and one that this process cannot write, have no lock: twins are then removed when they are seen.
    """

    def __init__(self, store: Store, sweep: str) -> None:
        folder = store.local_folder
        self._path: Path | None = None if folder is None else folder / "tracking" / f"{sweep}.lock"
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        """Take it, unless another process has it."""
        if self._path is None or self._file is not None:
            return True
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("ab")
        except OSError:
            self._path = None
            return True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        except OSError:  # a file system without locks
            self._path = None
        self._file = file
        return True

    def give_back(self) -> None:
        """Let another process log."""
        if self._file is not None:
            self._file.close()
            self._file = None
