"""`panda-ray` command lines for tests: in this process or a warm one, which saves imports, or as people start it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from panda_ray.cli import main
from support.processes.warm.starting import WarmProcess


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run_here(folder: Path, *arguments: str) -> Ended:
    """Run a command line to its end in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["panda-ray", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    said = (stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    return Ended(int(ended.value.code or 0), *said)


class CommandLine:
    """Runs command lines in this process, which works in `folder` from then on."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.chdir(folder)

    def __call__(self, *arguments: str) -> Ended:
        return run_here(self.folder, *arguments)


def start_warm(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Have a process of its own for a command line that trains; see `WarmProcess`."""
    return WarmProcess("panda_ray.cli", *arguments, stderr=subprocess.PIPE, folder=folder)


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a command line as people do: for what starts a Ray or a server, and what happens before its imports."""
    return subprocess.Popen(
        [sys.executable, "-m", "panda_ray.cli", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Ended:
    """Wait for a started command line; one that does not end is killed, or it would slow every test after this one."""
    try:
        out, err = process.communicate(timeout=240)
    finally:
        process.kill()
    return Ended(process.returncode, out, err)
