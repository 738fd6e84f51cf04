"""clusters/slurm.sh in a true Slurm: a sweep over the nodes of one allocation, across an interrupt, to its report."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
import yaml

from panda_ray.execution.store.store import Store
from support.sweeps.small_sweeps import small_sweep
from testbed import Testbed
from testbed.slurm import Slurm, missing

SCRIPT = str(Path(__file__).parents[2] / "clusters" / "slurm.sh")
SECONDS = 600
TIGHT = {"RAY_TMPDIR": "/tmp/ray", "RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES": "150000000"}
"""Folders and memory as several hosts on one machine can share it."""

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


@pytest.fixture(scope="module")
def slurm(testbed: Testbed) -> Slurm:
    folder = testbed.share / "slurm"
    folder.mkdir()
    slurm = Slurm(testbed.start_hosts(2), folder)
    slurm.start()
    return slurm


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A sweep file, beside which its storage will be."""
    path = tmp_path / "study.yaml"
    rows = {"max_train_rows": 96, "max_dev_rows": 24}
    sweep = small_sweep(
        "runs", resources={"cpus_per_stack": 2}, tasks=dict.fromkeys(("review", "kinds", "remark"), rows)
    )
    path.write_text(yaml.safe_dump(sweep.model_dump(mode="json", exclude_unset=True)))
    return path


def log_of(study: Path, job: int) -> str:
    return (study.parent / f"panda-ray-{job}.log").read_text()


def published(study: Path) -> dict[Path, int]:
    """When each file of a finished unit was written."""
    done = [record.parent for record in (study.parent / "runs" / "units").rglob("record.json")]
    return {path: path.stat().st_mtime_ns for unit in done for path in unit.iterdir()}


def test_a_sweep_stops_in_order_and_the_next_job_of_its_name_finishes_it(slurm: Slurm, study: Path) -> None:
    first, second = (slurm.submit(study.parent, SCRIPT, study.name, **TIGHT) for _ in range(2))
    end = time.monotonic() + SECONDS
    while not published(study):
        assert slurm.state(first).split()[0] in ("PENDING", "RUNNING"), log_of(study, first)
        assert time.monotonic() < end, log_of(study, first)
        time.sleep(0.5)
    assert slurm.state(second).startswith("PENDING")
    slurm.run("scancel", "--batch", "--signal=TERM", str(first))
    assert slurm.wait(first, SECONDS) == "FAILED 130:0", log_of(study, first)
    assert "terminated (SIGTERM)" in log_of(study, first)
    kept = published(study)

    assert slurm.wait(second, SECONDS) == "COMPLETED 0:0", log_of(study, second)
    assert kept.items() <= published(study).items()
    records = Store(str(study.parent / "runs")).records()
    assert {host for _, record in records for host in record["hosts"]} == {host.name for host in slurm.hosts}
    assert (study.parent / "runs" / "reports" / "small" / "report.html").exists()


def test_a_job_whose_ray_does_not_start_has_failed_and_says_so(slurm: Slurm, study: Path) -> None:
    head = slurm.hosts[0]
    # This Slurm follows no processes that left their session, so a job before may have left its Ray.
    head.run("pkill", "-x", "gcs_server", check=False)
    while head.run("ss", "--listening", "--tcp", "--no-header", "sport = :6379").stdout:
        time.sleep(0.5)
    with subprocess.Popen(head.command("nc", "-l", "-k", head.address, "6379")):
        job = slurm.submit(study.parent, SCRIPT, study.name, **TIGHT)
        state = slurm.wait(job, SECONDS)
        head.run("pkill", "-x", "nc")
    assert state == "FAILED 2:0", log_of(study, job)
    assert "Ray did not start on the first node" in log_of(study, job)


def test_a_job_without_a_sweep_says_what_to_name(slurm: Slurm, study: Path) -> None:
    job = slurm.submit(study.parent, SCRIPT)
    assert slurm.wait(job, SECONDS) == "FAILED 2:0"
    assert "slurm.sh: name a sweep file" in log_of(study, job)
