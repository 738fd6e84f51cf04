"""Data sets and models that lie on a server, trained on by a driver and its worker, each with a cache of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

import panda_ray.backbones
from panda_ray.backbones.registry import backbone_identity
from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep
from panda_ray.tasks import get_task
from panda_ray.tasks.caching import fetched
from panda_ray.tasks.caching.fetched import local_folder
from panda_ray.tasks.rows.loading import MissingData, load_rows
from panda_ray.usecases.run import run_sweep
from support.servers.object_server import BUCKET, ObjectServer, object_server
from support.trained.task_data import rows_of, write_task

MODEL = Path(panda_ray.backbones.__file__).parent / "builtin_tiny"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    folder = tmp_path_factory.mktemp("here")
    for task in ("rte", "cb"):
        spec = get_task(task)
        write_task(folder / "data", spec, rows_of(spec, 24), rows_of(spec, 12))
    with object_server() as running:
        there = fsspec.filesystem("s3", skip_instance_cache=True)
        there.put(str(folder / "data"), f"{BUCKET}/data", recursive=True)
        there.put(str(MODEL), f"{BUCKET}/models/mine", recursive=True)
        yield running


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has fetched nothing yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fetched, "_fetched", {})
    return tmp_path


def gets(server: ObjectServer, below: str) -> list[str]:
    asked = (request.path for request in server.proxy.requests if request.kind == "GET")
    return [path for path in asked if path.startswith(below)]


def test_a_sweep_trains_on_a_bucket_and_has_the_keys_that_it_has_with_folders(
    server: ObjectServer, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.storage("")
    described = {
        "name": "remote",
        "storage": f"{machine}/store",
        "tracking_uri": f"sqlite:///{machine}/mlflow.db",
        "data_root": f"{url}data",
        "backbones": [{"name": "mine", "path": f"{url}models/mine"}],
        "sources": ["rte"],
        "targets": ["cb"],
        "methods": ["pot"],
        "metrics": [],
        "seeds": [1],
        "training": {"epochs": 1, "prompt_len": 4, "batch_size": 8, "max_len": 64},
    }
    sweep = Sweep.model_validate(described)
    before = len(gets(server, "data/"))
    ended = run_sweep(sweep, InlineRunner())
    assert ended.cells == {"total": 1, "done": 1, "failed": 0, "blocked": 0}
    asked = gets(server, "data/")[before:]
    assert len(asked) == len(set(asked)), "each file is fetched once"
    local = machine / "local"
    fsspec.filesystem("s3", skip_instance_cache=True).get(f"{BUCKET}/data", str(local / "data"), recursive=True)
    shutil.copytree(MODEL, local / "mine")
    here = Sweep.model_validate(
        described | {"data_root": f"{local}/data", "backbones": [{"name": "mine", "path": f"{local}/mine"}]}
    )
    assert build_plan(here, Store(here.storage)).done == build_plan(sweep, Store(sweep.storage)).units.keys()
    again = len(server.proxy.requests)
    monkeypatch.setattr(fetched, "_fetched", {})
    build_plan(sweep, Store(sweep.storage))
    assert not [request for request in server.proxy.requests[again:] if request.kind == "GET"], "a cache is used again"


def test_what_has_changed_on_the_server_is_fetched_by_the_next_process(
    server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{server.storage('changing')}/data"
    there = fsspec.filesystem("s3", skip_instance_cache=True)
    there.pipe_file(f"{url}/x", b"before")
    first = local_folder(url)
    there.pipe_file(f"{url}/x", b"behind")
    assert local_folder(url) == first
    monkeypatch.setattr(fetched, "_fetched", {})
    second = local_folder(url)
    assert ((first / "x").read_bytes(), (second / "x").read_bytes()) == (b"before", b"behind")
    shutil.rmtree(second)
    assert (local_folder(url) / "x").read_bytes() == b"behind", "a cache may be removed"


def test_a_task_a_model_and_a_server_that_are_not_there_are_told_apart(
    server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.storage("data")
    with pytest.raises(MissingData, match=rf"task 'copa': {url}/copa/train.parquet does not exist"):
        load_rows(get_task("copa"), url)
    with pytest.raises(InputError, match=f"backbone 'mine': {server.storage('models/none')} is not a model folder"):
        backbone_identity("mine", server.storage("models/none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(InputError, match=r"cannot be fetched to .*: "):
        load_rows(get_task("rte"), f"{url}/elsewhere")
