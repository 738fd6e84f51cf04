from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.tracking import database
from panda_ray.tracking.client import connect, experiment_of, find_experiment
from panda_ray.tracking.uri import artifact_folder, tracking_uri_of


def test_a_local_store_has_its_database_beside_it(tmp_path: Path) -> None:
    assert tracking_uri_of(str(tmp_path), None) == f"sqlite:///{tmp_path}/mlflow.db"


def test_the_users_uri_wins(tmp_path: Path) -> None:
    assert tracking_uri_of(str(tmp_path), "http://127.0.0.1:5000") == "http://127.0.0.1:5000"


def test_remote_store_needs_a_uri() -> None:
    with pytest.raises(InputError, match="set tracking_uri"):
        tracking_uri_of("memory://bucket/sweep", None)


def test_a_path_is_no_uri(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sqlite:///runs/mlflow\.db"):
        tracking_uri_of(str(tmp_path), "runs/mlflow.db")


def test_artifacts_of_a_database_lie_beside_it(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert artifact_folder(uri) == tmp_path / "mlflow-artifacts"
    assert artifact_folder("http://127.0.0.1:5000") is None
    client = connect(uri)
    experiment = client.get_experiment(experiment_of(client, "sweep"))
    assert experiment.artifact_location == (tmp_path / "mlflow-artifacts" / "sweep").as_uri()
    assert experiment_of(client, "sweep") == experiment.experiment_id
    client.delete_experiment(experiment.experiment_id)
    with pytest.raises(InputError, match="deleted"):
        find_experiment(client, "sweep")


def test_a_driver_that_is_killed_while_it_makes_the_database_leaves_none(tmp_path: Path) -> None:
    """MLflow never opens a database again whose tables were made by half."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    code = "import sys; from panda_ray.tracking.client import connect; connect(sys.argv[1])"
    with subprocess.Popen([sys.executable, "-c", code, uri]) as driver:
        while driver.poll() is None and not list(tmp_path.glob(".mlflow-new-*/mlflow.db")):
            time.sleep(0.02)
        driver.kill()
    [left] = tmp_path.iterdir()
    old = time.time() - 3600
    os.utime(left, (old, old))
    assert connect(uri).search_experiments()
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"], "what the killed one left is removed"


def test_a_database_that_another_driver_made_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mlflow.db"

    def made_meanwhile(_folder: Path) -> None:
        path.write_bytes(b"theirs")

    monkeypatch.setattr(database, "_remove_leftovers", made_meanwhile)
    database.create_database(path)
    assert path.read_bytes() == b"theirs"
