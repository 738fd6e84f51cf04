from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.tracking.client import artifact_folder, connect, experiment_of, find_experiment, tracking_uri_of


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
