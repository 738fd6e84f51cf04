"""Which process holds something, said so that another one on the same machine can tell when it is gone.

A process is only called gone where that is certain: it ran under this boot of this machine and in this space of process
ids (a container has its own), and its id is free by now or was given to another one.
"""

from __future__ import annotations

import os
import platform
import uuid
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Owner:
    """A process.

    Attributes:
        machine: equal for processes that see each other's ids.
        pid: its id.
        started: when it began, as the kernel counts; empty where that is not known.
    """

    machine: str
    pid: int
    started: str

    @property
    def is_gone(self) -> bool:
        """Whether the process is certainly gone; False also where nobody here can tell."""
        if self.machine != _machine():
            return False
        if _PROC.is_dir():
            return _started(self.pid) != self.started
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False


def this_process() -> Owner:
    """The process that asks."""
    return Owner(_machine(), os.getpid(), _started(os.getpid()))


@lru_cache(maxsize=1)
def _machine() -> str:
    with suppress(OSError):
        boot = (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {(_PROC / 'self' / 'ns' / 'pid').readlink()}"
    return f"{platform.node()} {uuid.getnode()}"


def _started(pid: int) -> str:
    """Start of a process in clock ticks since boot; empty for one that is not there, or is only waited for."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before may hold anything
    state, started = fields[0], fields[19]
    return "" if state in "ZXx" else started
