"""Folders that only a laptop has, brought to a cluster that keeps its sweeps in a bucket; real jobs on a real head."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from panda_ray.tasks import get_task
from support.processes.command_line import Ended, run_here
from support.servers.object_server import ObjectServer, object_server
from support.servers.ray_head import TOKEN, RayHead, ray_head
from support.trained.task_data import rows_of, write_task

SWEEP = {
    "name": "brought",
    "storage": "runs/brought",
    "data_root": "data",
    "backbones": ["builtin-tiny"],
    "sources": ["rte"],
    "targets": ["cb"],
    "methods": ["pot"],
    "metrics": [],
    "seeds": [1],
    "training": {"epochs": 1, "prompt_len": 4, "batch_size": 8, "max_len": 64},
}


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    with object_server() as running:
        yield running


@pytest.fixture(scope="module")
def head(server: ObjectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayHead]:
    folder = tmp_path_factory.mktemp("head")
    said = {
        "PANDA_RAY_STORAGE": server.storage("sweeps"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "XDG_CACHE_HOME": f"{folder}/cache",
    }
    with ray_head(said) as running:
        yield running


def test_a_sweep_runs_on_data_that_were_brought_once(
    head: RayHead, server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)  # the laptop needs no key to the bucket
    for task in ("rte", "cb"):
        write_task(tmp_path / "data", get_task(task), rows_of(get_task(task), 24), rows_of(get_task(task), 12))
    (tmp_path / "sweep.json").write_text(json.dumps(SWEEP))

    def submit(*words: str) -> Ended:
        return run_here(tmp_path, "submit", "sweep.json", "--yes", *words, "--address", head.url)

    refused = submit()
    assert refused.code == 2
    assert "bring it there with --upload-data" in refused.err
    ended = submit("--upload-data", "--follow")
    assert ended.code == 0, ended.out + ended.err
    assert "1 of 1 cells done" in ended.out
    shown = [line for line in ended.err.splitlines() if "sha256" in line]
    assert [line.partition(":")[0] for line in shown] == [
        f"data/{task}/{split}.parquet" for task in ("rte", "cb") for split in ("train", "validation")
    ]
    assert all(line.endswith("to be brought") for line in shown)
    assert "4 of 4 pieces brought" in ended.err
    again = submit("--upload-data")
    assert again.err.count("there already") == 4
    assert "pieces brought" not in again.err
    assert "brought is done" in again.out
    puts = [request.path for request in server.proxy.requests if request.kind == "PUT" and "/blobs/" in request.path]
    assert len(puts) == len(set(puts)) >= 4
