"""A measured child process: wall time, CPU time and peak resident set of it and of those that it waited for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from panda_ray.errors import InputError

ROOT = Path(__file__).parents[2]
_BYTES_PER_UNIT_OF_RSS = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Child:
    """A process that ended.

    Attributes:
        started: when it was started, in seconds since the epoch, as its own `time.time()` counts.
        seconds: wall time from start to end.
        cpu_seconds: user and system time of its threads, and of the processes that it waited for.
        peak_bytes: its own peak resident set.
    """

    started: float
    seconds: float
    cpu_seconds: float
    peak_bytes: int


def run_child(arguments: Sequence[str], output: Path, success: Sequence[int] = (0,)) -> Child:
    """Run Python with these arguments from the root of the checkout.

    Args:
        output: file that takes what it prints.
        success: exit codes that are none of a failure.

    Raises:
        InputError: when it ends otherwise, with what it printed last.
    """
    started = time.time()
    with output.open("wb") as file:
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    ended = time.time()
    if process.returncode not in success:
        printed = output.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise InputError(f"{' '.join(arguments)} ended with {process.returncode}:\n{printed}")
    return Child(started, ended - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _BYTES_PER_UNIT_OF_RSS)
