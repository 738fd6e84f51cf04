"""Processes that begin warm, for tests that stop them, kill them or have several."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from support.processes.warm.request import Request

_SEARCH_PATH = os.pathsep.join(map(str, (Path(__file__).parents[3], Path(__file__).parents[4])))
"""Where support of tests and the package are."""
_ADOPT_ORPHANS = 36  # PR_SET_CHILD_SUBREAPER


class WarmProcess(subprocess.Popen[str]):
    """A module run as `python -m` runs it, in a child of this process that has imported what trains before.

    Its output is a pipe; errors go where ours do, or as `Popen` has it. Its command line and first environment, which
    others see, are those of the process that it was forked of.

    Args:
        folder: that it works in, ours unless given.
    """

    def __init__(self, module: str, *arguments: str, stderr: int | None = None, folder: Path | None = None) -> None:
        self._request = Request(module, arguments, str(folder or Path.cwd()), dict(os.environ))
        super().__init__([], stdout=subprocess.PIPE, stderr=stderr, text=True)

    def _execute_child(self, *options: Any) -> None:
        """As that of the class above, which starts a program."""
        *pipes, errors_read, errors = options[10:16]
        output = pipes[3]
        address, _ = _warm_process()
        with _adopting():
            self.pid = self._request.send(address, [0, output, errors if errors >= 0 else 2])
        self._child_created = True
        self._close_pipe_fds(*pipes, errors_read, errors)


@cache
def _warm_process() -> tuple[str, subprocess.Popen[bytes]]:
    """It ends when this process does, with which its standard input is closed."""
    address = f"warm-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{address}")
        listener.listen(100)
        process = subprocess.Popen(
            [sys.executable, "-m", "support.processes.warm.server", str(listener.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": _SEARCH_PATH},
            pass_fds=[listener.fileno()],
        )
    assert process.stdout is not None
    assert process.stdout.readline() == b"warm\n"
    return address, process


@contextmanager
def _adopting() -> Iterator[None]:
    """Be the parent of orphans below meanwhile."""
    call = ctypes.CDLL(None, use_errno=True).prctl
    call(_ADOPT_ORPHANS, 1, 0, 0, 0)
    try:
        yield
    finally:
        call(_ADOPT_ORPHANS, 0, 0, 0, 0)
