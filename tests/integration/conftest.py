"""Stores that uninterrupted runs filled, which interrupted ones are compared with; an empty MLflow; both runners."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.runners.ray_cluster import ray_cluster
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.run_plan import Runner
from panda_ray.execution.runners.temporary import temporary_folder
from panda_ray.execution.work.workspace import Settings
from panda_ray.tracking.server.client import connect
from support.sweeps.runners import RUNNERS
from support.sweeps.small_sweeps import LONG, run_inline, small_sweep
from support.sweeps.tracked import Server


@pytest.fixture(scope="session")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    storage = tmp_path_factory.mktemp("quiet")
    run_inline(small_sweep(storage))
    return storage


@pytest.fixture(scope="session")
def quiet_long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    storage = tmp_path_factory.mktemp("quiet-long")
    run_inline(small_sweep(storage, training=LONG))
    return storage


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables without a row: making them takes seconds, copying them does not."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    connect(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def storage(tmp_path: Path, empty_database: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(empty_database, folder / "mlflow.db")
    return folder


@pytest.fixture
def server(tmp_path: Path, empty_database: Path) -> Iterator[Server]:
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def local_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Ray on this machine that several runs use."""
    with temporary_folder() as folder, ray_cluster(None, Settings.of(small_sweep(folder)), folder):
        yield


@pytest.fixture(params=RUNNERS)
def runner(request: pytest.FixtureRequest) -> Runner:
    if request.param == "inline":
        return InlineRunner()
    request.getfixturevalue("local_ray")
    return RayTuneRunner()
