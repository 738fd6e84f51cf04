"""A signal ends a run in order, whichever it is, whatever the driver is doing and whatever runs the stacks."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.processes.command_line import finish
from support.processes.moments import wait_until

SWEEP = """\
name: tiny
storage: store
backbones: [builtin-tiny]
sources: [review]
targets: [remark]
methods: [prompt_tuning, pot]
training: {epochs: 1}
tasks:
  review: {max_train_rows: 64, max_dev_rows: 32}
  remark: {max_train_rows: 64, max_dev_rows: 32}
"""
LONG = ("--set", "training.epochs=2000")
"""More than anybody waits for: the run is ended in its middle."""

_TESTS = Path(__file__).parents[1]


_STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def nothing_goes_on() -> Iterator[None]:
    """A test that failed leaves no run behind: it would take the processors from all tests after it."""
    yield
    for process in _STARTED:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    _STARTED.clear()


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """A command line that writes how far it is, with a session of its own as a terminal gives it one."""
    (folder / "x.yaml").write_text(SWEEP)
    process = subprocess.Popen(
        [sys.executable, "-m", "support.processes.moments", str(folder / "moments"), "run", "x.yaml", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(_TESTS), str(_TESTS.parent)]),
            "HOME": str(folder),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _STARTED.append(process)
    return process


def reach(process: subprocess.Popen[str], folder: Path, moment: str) -> None:
    """Wait until a process is at a moment; `running` begins when a stack has a checkpoint."""
    if moment != "running":
        return wait_until(folder / "moments", moment)
    deadline = time.monotonic() + 240
    while not list(folder.glob("store/checkpoints/*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return None


def family(folder: Path) -> list[str]:
    """What runs with this home, which every process inherits."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("HOME") == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
    return found


def assert_nothing_is_left(home: Path, folders: set[Path]) -> None:
    deadline = time.monotonic() + 30
    while left := family(home):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    # Other runs on this machine have folders of their own; what is gone was this one's.
    assert not [folder for folder in folders if folder.exists()]


def temporary_folders_of(process: subprocess.Popen[str]) -> set[Path]:
    """The temporary folders that a process holds open by their locks."""
    held = set()
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            target = link.readlink()
        except OSError:
            continue
        if target.name == "lock" and target.parent.name.startswith("panda-ray-run-"):
            held.add(target.parent)
    return held


@pytest.mark.slow
@pytest.mark.parametrize(
    ("runner", "moment", "sent"),
    [
        ("inline", "planning", signal.SIGHUP),
        ("inline", "running", signal.SIGTERM),
        ("inline", "tracking", signal.SIGINT),
        ("inline", "reporting", signal.SIGTERM),
        ("ray", "starting", signal.SIGTERM),
        ("ray", "starting", signal.SIGINT),
        ("ray", "running", signal.SIGTERM),
        ("ray", "running", signal.SIGHUP),
        ("ray", "running", signal.SIGINT),
    ],
)
def test_a_signal_ends_a_run_in_order_and_the_same_command_continues(
    tmp_path: Path, runner: str, moment: str, sent: signal.Signals
) -> None:
    arguments = ("--runner", runner, *(LONG if moment == "running" else ()))
    process = started(tmp_path, *arguments, "--set", "resources.checkpoint_seconds=0.05")
    reach(process, tmp_path, moment)
    folders = temporary_folders_of(process)
    assert bool(folders) == (runner == "ray")
    if moment == "starting":
        time.sleep(0.5)  # among the processes that Ray starts one after the other
    os.killpg(process.pid, sent)
    ended = finish(process)
    assert ended.code == 130, ended.err
    assert f"({sent.name})" in ended.out
    assert "The same command continues: panda-ray run x.yaml" in ended.out
    assert "Traceback" not in ended.err
    assert "SIGTERM received" not in ended.err, "the stack dump of Ray's handler"
    assert_nothing_is_left(tmp_path, folders)
    if moment == "tracking":
        again = finish(started(tmp_path, *arguments))
        assert again.code == 0, again.err


@pytest.mark.slow
def test_a_second_signal_ends_a_run_at_once_with_all_that_it_started(tmp_path: Path) -> None:
    process = started(tmp_path, *LONG, "--set", "resources.checkpoint_seconds=0.05")
    reach(process, tmp_path, "running")
    folders = temporary_folders_of(process)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert ended.code == 130, ended.err
    assert "The same command continues" not in ended.out, "it was waited until the stacks had saved, and summed up"
    assert_nothing_is_left(tmp_path, folders)


@pytest.mark.slow
def test_a_signal_that_the_parent_ignores_stays_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does
    try:
        process = started(tmp_path, "--runner", "inline")
    finally:
        signal.signal(signal.SIGHUP, before)
    reach(process, tmp_path, "planning")
    process.send_signal(signal.SIGHUP)
    ended = finish(process)
    assert ended.code == 0, ended.err


@pytest.mark.slow
def test_the_next_run_removes_what_a_killed_one_left_and_nothing_of_a_living_one(tmp_path: Path) -> None:
    living, killed = tmp_path / "living", tmp_path / "killed"
    living.mkdir()
    killed.mkdir()
    victim = started(killed, *LONG)
    reach(victim, killed, "starting")
    (left,) = temporary_folders_of(victim)
    assert left.stat().st_mode & 0o777 == 0o700
    victim.kill()
    victim.communicate()
    assert left.is_dir()
    process = started(living, *LONG)
    reach(process, living, "starting")
    (used,) = temporary_folders_of(process)
    assert not left.exists()
    process.send_signal(signal.SIGSTOP)  # it lives, and takes no processor from the next one
    assert finish(started(tmp_path)).code == 0
    assert used.is_dir()
    assert not (tmp_path / ".ray").exists(), "Ray's own token in the user's folder"
    os.killpg(process.pid, signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    assert finish(process).code == 130
