"""Where a command is started and where its output goes: it works, or one sentence says why it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SWEEP = """\
name: x
storage: store
backbones: [builtin-tiny]
sources: [review]
targets: [remark]
methods: [prompt_tuning]
tasks: {remark: {max_train_rows: 16, max_dev_rows: 8}, review: {max_train_rows: 16, max_dev_rows: 8}}
"""
PANDA_RAY = f"{sys.executable} -m panda_ray.cli"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x.yaml").write_text(SWEEP)
    return tmp_path


def shell(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a line of a shell says on stderr, and its exit status."""
    command = ["bash", "-o", "pipefail", "-c", line]
    return subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=200, check=False
    )


@pytest.mark.parametrize("arguments", ["status x.yaml", "plan x.yaml --json", "--help"])
def test_a_full_disk_under_stdout_is_status_1_and_a_sentence(folder: Path, arguments: str) -> None:
    ended = shell(folder, f"{PANDA_RAY} {arguments} > /dev/full")
    assert (ended.returncode, ended.stderr) == (1, "the output cannot be written: No space left on device\n")


def test_a_full_disk_under_stderr_keeps_the_status(folder: Path) -> None:
    assert shell(folder, f"{PANDA_RAY} plan nosuch.yaml 2> /dev/full").returncode == 2


def test_watching_ends_when_its_reader_does(folder: Path) -> None:
    ended = shell(folder, f"{PANDA_RAY} status x.yaml --watch | head -1")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("1 cells, 1 waiting\n")


def test_a_working_directory_that_was_removed_is_a_sentence(folder: Path) -> None:
    (folder / "gone").mkdir()
    ended = shell(folder / "gone", f"rm -r ../gone; {PANDA_RAY} status {folder}/x.yaml")
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1:] == ["the working directory was removed; go to another one"]


@pytest.mark.parametrize(
    "surroundings",
    [
        {"HOME": "/nonexistent/home"},
        {"HOME": "/etc/passwd"},
        {"XDG_CACHE_HOME": "/etc/passwd"},
        {"TMPDIR": "/nonexistent"},
        {"TERM": "dumb", "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"},
    ],
)
def test_planning_needs_nothing_of_the_surroundings(folder: Path, surroundings: dict[str, str]) -> None:
    ended = shell(folder, f"{PANDA_RAY} plan x.yaml <&-", **surroundings)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
