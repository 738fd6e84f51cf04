"""What a laptop makes of jobs and notes together, and what it ships."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import cast

import pytest

from panda_ray.clusters.code import code_hash, code_package, installed_code, zipped
from panda_ray.clusters.jobs_api import Job
from panda_ray.clusters.open_cluster import Cluster
from panda_ray.errors import InputError
from panda_ray.usecases.remote.entries import entry_of, number
from panda_ray.usecases.remote.progress_line import last_progress
from panda_ray.usecases.remote.submit import RAY, prepare, sweep_file
from support.sweeps.searches import SIX_POINTS
from support.sweeps.small_sweeps import small_sweep

ROOT = Path(__file__).parents[3]


def job(status: str, number: int = 1) -> Job:
    return Job(f"x-{number}", status, "", 10.0, 20.0, None, {})


def note(state: str, number: int = 1) -> dict[str, object]:
    return {"sweep": "x", "id": f"x-{number}", "state": state, "since": 15.0}


@pytest.mark.parametrize(
    ("known", "noted", "state", "at"),
    [
        (job("PENDING"), None, "pending", 10.0),
        (job("RUNNING"), None, "running", 10.0),
        (job("RUNNING"), note("running"), "running", 15.0),
        (job("RUNNING"), note("pausing"), "pausing", 15.0),
        (job("RUNNING", 2), note("paused", 1), "running", 10.0),
        (job("STOPPED"), note("paused"), "paused", 15.0),
        (job("STOPPED"), note("pausing"), "paused", 15.0),
        (job("STOPPED"), None, "stopped", 20.0),
        (job("FAILED"), note("failed"), "failed", 15.0),
        (job("FAILED"), note("running"), "broken", 15.0),
        (job("FAILED", 2), note("done", 1), "broken", 20.0),
        (job("SUCCEEDED"), note("done"), "done", 15.0),
        (None, note("running"), "broken", 15.0),
        (None, note("done"), "done", 15.0),
    ],
)
def test_a_note_of_a_running_driver_counts_while_there_is_its_job(
    known: Job | None, noted: dict[str, object] | None, state: str, at: float
) -> None:
    entry = entry_of("x", known, noted)
    assert entry is not None
    assert (entry.state, entry.since) == (state, at)
    assert entry.is_active == (state in ("pending", "running", "pausing"))


def test_what_neither_jobs_nor_notes_know_is_no_entry() -> None:
    assert entry_of("x", None, None) is None


def test_the_number_of_a_submission_stands_at_its_end() -> None:
    assert number("my-study-2-13") == 13


def test_the_newest_line_about_progress_is_found_in_a_log() -> None:
    log = "0 of 9 units done, 3 stacks to run\nx: finished; 4 of 9 units done, about 3 min to go\nWARNING 1 of 2\n"
    assert last_progress(log) == "4 of 9 units done, about 3 min to go"
    assert last_progress("nothing yet\n") is None


def test_the_code_of_this_package_is_one_zip_that_is_equal_for_equal_code() -> None:
    name, content = code_package()
    assert name == f"_ray_pkg_panda_ray_{code_hash()}.zip"
    assert content == code_package()[1]
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert {"panda_ray/cli/__main__.py", "panda_ray/sweeps/quickstart.yaml"} <= set(names)
    assert not [name for name in names if "__pycache__" in name]
    assert len(content) < 8 << 20


def test_code_that_differs_in_a_byte_has_another_hash(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = code_hash(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("compiled")
    assert code_hash(tmp_path) == before
    (tmp_path / "a.py").write_text("2")
    assert code_hash(tmp_path) != before
    assert zipped({"a": b"1"}) == zipped({"a": b"1"})


def test_code_that_a_job_brought_is_not_what_is_installed(tmp_path: Path) -> None:
    shipped = tmp_path / "py_modules_files" / "package"
    shutil.copytree(ROOT / "panda_ray", shipped / "panda_ray", ignore=shutil.ignore_patterns("__pycache__"))
    (shipped / "panda_ray" / "newer.py").write_text("")
    asked = "from panda_ray.clusters.code import code_hash, installed_code; print(code_hash(), installed_code())"
    environment = {**os.environ, "PYTHONPATH": f"{shipped}{os.pathsep}{ROOT}"}
    said = subprocess.run(
        [sys.executable, "-c", asked], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [code_hash(shipped / "panda_ray"), code_hash()]
    assert installed_code() == code_hash()


def test_a_sweep_is_shipped_with_every_value(tmp_path: Path) -> None:
    sweep = small_sweep("runs/small", seeds=[3])
    shipped = json.loads(sweep_file(sweep))
    assert shipped["seeds"] == [3]
    assert shipped["training"]["max_len"] == 128
    assert type(sweep).model_validate(shipped) == sweep


def test_the_ray_of_submissions_is_the_one_that_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (wanted,) = (text for text in project["optional-dependencies"]["train"] if text.startswith("ray["))
    assert f">={RAY}" in wanted


def test_a_password_of_a_searchs_storage_is_refused_before_the_cluster_is_asked() -> None:
    search = SIX_POINTS | {"storage": "postgresql://me:hunter2@db/studies"}
    sweep = small_sweep("s3://lab/run", methods=["prompt_tuning"], search=search)
    with pytest.raises(InputError, match=r"search\.storage .* leave it out.*\.pgpass") as refused:
        prepare(cast(Cluster, None), sweep)
    assert "hunter2" not in str(refused.value)
