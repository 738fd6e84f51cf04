"""Where a sweep stands, seen through a real MLflow server alone: no data sets, no store, no engine."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from panda_ray.tracking.reading import read_progress as reading
from panda_ray.tracking.reading.read_progress import TrackedProgress, read_progress
from panda_ray.usecases.status import tracked_status
from support.processes.command_line import run_here, start
from support.sweeps.small_sweeps import SMALL
from support.sweeps.tracked import Server

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

SWEEP = {
    "name": "small",
    "storage": "store",
    "backbones": ["builtin-tiny"],
    "sources": ["review", "kinds"],
    "targets": ["remark"],
    "methods": ["prompt_tuning", "pot"],
    "metrics": [],
    "seeds": [1],
    "training": {"epochs": 2, "prompt_len": 4, "batch_size": 16},
    "tasks": dict.fromkeys(("review", "kinds", "remark"), SMALL),
    "resources": {"checkpoint_seconds": 600},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.stop()


def written(folder: Path, server: Server, **changes: object) -> str:
    (folder / "x.yaml").write_text(json.dumps(SWEEP | {"tracking_uri": server.uri} | changes), encoding="utf-8")
    return "x.yaml"


def until_running(process: subprocess.Popen[str], uri: str, name: str) -> TrackedProgress:
    """What MLflow says as soon as it speaks of a stack that runs."""
    deadline = time.monotonic() + 240
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(1)
        try:
            found = read_progress(uri, name)
        except Exception:
            continue
        if found.snapshot is not None and found.snapshot.stacks:
            return found
    raise AssertionError(f"nothing ran: {process.communicate(timeout=60)}")


def test_a_finished_sweep_needs_neither_store_nor_data(tmp_path: Path, server: Server) -> None:
    sweep = written(tmp_path, server, name="finished")
    assert run_here(tmp_path, "run", sweep, "--runner", "inline").code == 0
    of_store = run_here(tmp_path, "status", sweep, "--json").json
    shutil.rmtree(tmp_path / "store")
    (tmp_path / "x.yaml").unlink()
    found = tracked_status(server.uri, "finished")
    assert found.complete
    assert found.ended
    assert [cell._asdict() for cell in found.cells] == of_store["grid"]
    assert of_store["driver"] is None
    assert found.tracked is not None
    assert found.tracked.state == "finished"
    assert found.tracked.snapshot is not None
    assert found.tracked.snapshot.stacks == ()
    stages = found.tracked.snapshot.backbones["builtin-tiny"].stages
    assert stages == {"source prompts": {"done": 2}, "prompt_tuning": {"done": 1}, "pot": {"done": 2}}


def test_a_stack_runs_from_its_start_and_a_killed_driver_is_heard_of_no_more(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = {"epochs": 4000, "prompt_len": 4, "batch_size": 16}
    sweep = written(tmp_path, server, name="killed", training=training)
    with start(tmp_path, "run", sweep, "--runner", "inline") as process:
        try:
            found = until_running(process, server.uri, "killed")
            assert not (tmp_path / "store" / "checkpoints").exists()
        finally:
            process.send_signal(signal.SIGKILL)
    assert found.state == "running"
    assert not found.is_stale
    [stack] = found.snapshot.stacks if found.snapshot else ()
    assert (stack.backbone, stack.title.startswith("builtin-tiny prompt_tuning -> ")) == ("builtin-tiny", True)
    counts = found.snapshot.backbones["builtin-tiny"].stages if found.snapshot else {}
    assert sum(stage.get("running", 0) for stage in counts.values()) > 0

    monkeypatch.setattr(reading, "STALE_SECONDS", 1.0)
    time.sleep(2)
    later = read_progress(server.uri, "killed")
    assert later.heard is not None
    assert found.heard is not None
    assert later.heard >= 1
    assert later.is_stale
    assert not tracked_status(server.uri, "killed").ended


def test_a_failed_cell_is_shown_with_its_cause_and_what_it_blocks(tmp_path: Path, server: Server) -> None:
    training = {"epochs": 1, "prompt_len": 4, "batch_size": 16, "lr": 1e30}
    sweep = written(tmp_path, server, name="failed", training=training)
    assert run_here(tmp_path, "run", sweep, "--runner", "inline").code == 1
    found = tracked_status(server.uri, "failed")
    assert found.tracked is not None
    assert found.tracked.state == "failed"
    assert found.counts["failed"] == 1
    assert found.counts["blocked"] == 2
    assert {failed.unit for failed in found.failures} == {
        "prompt_tuning review (seed 1)",
        "prompt_tuning kinds (seed 1)",
        "prompt_tuning remark (seed 1)",
    }
