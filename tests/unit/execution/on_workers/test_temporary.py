"""A run's own folder: private, gone at its end, and swept by the next run after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from panda_ray.execution.runners import temporary
from panda_ray.execution.runners.temporary import temporary_folder

HOLD = """\
import sys
from pathlib import Path
from panda_ray.execution.runners import temporary
temporary._parent = lambda: Path(sys.argv[1])
with temporary.temporary_folder() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""
"""Holds a folder until it is killed, or nobody is left to do that."""


@pytest.fixture(autouse=True)
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(temporary, "_parent", lambda: tmp_path)
    return tmp_path


def test_it_is_private_and_gone_at_the_end_even_after_an_error(parent: Path) -> None:
    def fail() -> None:
        with temporary_folder() as folder:
            (folder / "deep").mkdir()
            assert folder.parent == parent
            assert folder.stat().st_mode & 0o777 == 0o700
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not list(parent.iterdir())


def test_the_next_run_removes_what_a_killed_one_left_and_nothing_of_a_living_one(parent: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        held = Path(process.stdout.readline().strip())
        with temporary_folder():
            assert held.is_dir(), "its process lives"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert held.is_dir()
    with temporary_folder() as folder:
        assert list(parent.iterdir()) == [folder]


def test_what_others_put_there_stays(parent: Path) -> None:
    mine = parent / "mine"
    mine.mkdir()
    (mine / "lock").touch()
    (parent / "panda-ray-run-link").symlink_to(mine)
    (parent / "panda-ray-run-file").write_text("kept")
    (parent / "panda-ray-run-full").mkdir()
    (parent / "panda-ray-run-full" / "notes").write_text("no lock: not one of ours")
    before = sorted(parent.iterdir())
    with temporary_folder():
        pass
    assert sorted(parent.iterdir()) == before
    assert (mine / "lock").exists()
