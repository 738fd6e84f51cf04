"""A Ray of our own on this machine: how it starts, and what is said where it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.runners.ray_cluster import ray_cluster
from panda_ray.execution.work.workspace import Settings
from panda_ray.usecases.reporting.places import check_folder
from support.sweeps.small_sweeps import small_sweep

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

START = """\
import sys
from pathlib import Path
import ray
from panda_ray.execution.runners.ray_cluster import ray_cluster
from panda_ray.execution.runners.temporary import temporary_folder
from panda_ray.execution.work.workspace import Settings
from support.sweeps.small_sweeps import small_sweep

@ray.remote
def where():
    import panda_ray
    return panda_ray.__file__

with temporary_folder() as folder, ray_cluster(None, Settings.of(small_sweep(folder)), folder):
    assert ray.get(where.remote())
    print("started", ray.get_runtime_context().runtime_env.get("working_dir"))
"""


def test_a_ray_that_does_not_start_is_tried_twice_and_then_a_sentence_names_the_inline_runner(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)  # a socket's name has 107 bytes at the most
    folder.mkdir()
    sentence = pytest.raises(InputError, match=r"tried 2 times \(.*107.*\); --runner inline")
    with sentence as error, ray_cluster(None, Settings.of(small_sweep(tmp_path)), folder):
        pass
    assert "\n" not in str(error.value)
    assert not list(folder.iterdir())


def test_uv_run_from_a_subfolder_starts_ray_and_writes_nothing_into_the_home(tmp_path: Path) -> None:
    sub, home = tmp_path / "project" / "sub", tmp_path / "home"
    sub.mkdir(parents=True)
    home.mkdir()
    (tmp_path / "project" / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "1"\n')
    (sub / "start.py").write_text(START)
    tests = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "uv",
        "run",
        "--no-sync",
        "--offline",
        "--python",
        sys.executable,
        "--",
        sys.executable,
    ]
    ended = subprocess.run(
        [*command, "start.py"],
        cwd=sub,
        env={**os.environ, "HOME": str(home), "PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "started None"
    assert not (home / ".ray").exists()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_report_folder_that_is_a_file_or_below_one_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"cannot be written to .*file.*--out DIR"):
        check_folder(tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"
