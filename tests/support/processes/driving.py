"""Driver processes for tests: started, listened to, and gone at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from support.processes.warm.starting import WarmProcess

_TESTS = Path(__file__).parents[2]


@contextmanager
def driver(
    storage: Path | str, runner: Literal["inline", "ray"], *sources: str, steered: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the long small sweep; what happens is on its `stdout`, line by line.

    Args:
        steered: it starts with nothing, proposes every cell at once, and stops the first of those of PoT after epoch 3.
    """
    arguments = [str(storage), f"{runner}-steered" if steered else runner, *sources]
    with WarmProcess("support.processes.drive", *arguments) if runner == "inline" else _started(arguments) as process:
        try:
            yield process
        finally:
            process.kill()


def _started(arguments: list[str]) -> subprocess.Popen[str]:
    """A Ray is started by a process as people have it, which nothing was imported in before."""
    command = [sys.executable, "-m", "support.processes.drive", *arguments]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_TESTS), str(_TESTS.parent)])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def wait_for(process: subprocess.Popen[str], line: str) -> None:
    """Read until a line that begins like this."""
    assert process.stdout is not None
    for seen in process.stdout:
        if seen.startswith(line):
            return
    raise AssertionError(f"the driver ended without {line!r}")


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[], None]]:
    """A file system of 256 KiB at a folder; what it gives makes room on it."""
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")

    def make_room() -> None:
        subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)

    try:
        yield make_room
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder on which nobody can write, root included."""
    mounted = subprocess.run(["mount", "--bind", str(folder), str(folder)], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("only root can mount")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def workers_of(driver_id: int, actor: str = "ImplicitFunc") -> list[int]:
    """Process ids of the Ray workers below a driver that run trials, or another kind of actor."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], check=True, capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    family, grown = {driver_id}, True
    while grown:
        children = {int(row[0]) for row in rows if int(row[1]) in family} - family
        family |= children
        grown = bool(children)
    return [int(row[0]) for row in rows if int(row[0]) in family and row[2].startswith(f"ray::{actor}")]
