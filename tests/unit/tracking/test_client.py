from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.secrets import redacted
from panda_ray.tracking.experiment import find_experiment, open_experiment, pages_of_runs
from panda_ray.tracking.server import database
from panda_ray.tracking.server.client import connect, connect_to_read
from panda_ray.tracking.server.uri import artifact_folder, database_of, mlflow_uri, shown, tracking_uri_of
from support.processes.driving import read_only


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
    client, store = connect(uri), Store(str(tmp_path))
    experiment = client.get_experiment(open_experiment(client, "sweep", store))
    assert experiment.artifact_location == (tmp_path / "mlflow-artifacts" / "sweep").as_uri()
    assert open_experiment(client, "sweep", store) == experiment.experiment_id
    client.delete_experiment(experiment.experiment_id)
    with pytest.raises(InputError, match="deleted"):
        find_experiment(client, "sweep")


def test_a_driver_that_is_killed_while_it_makes_the_database_leaves_none(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """MLflow never opens a database again whose tables were made by half."""
    cache = tmp_path_factory.mktemp("cache")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    code = "import sys; from panda_ray.tracking.server.client import connect; connect(sys.argv[1])"
    with subprocess.Popen([sys.executable, "-c", code, uri], env=os.environ | {"XDG_CACHE_HOME": str(cache)}) as driver:
        while driver.poll() is None and not list(tmp_path.glob(".mlflow-new-*/mlflow.db")):
            time.sleep(0.02)
        driver.kill()
    assert len(list(tmp_path.iterdir())) == 1
    assert connect(uri).search_experiments()
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"], "what the killed one left is removed"


def test_tables_are_made_once_and_the_next_database_begins_as_their_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    connect(f"sqlite:///{first}")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with monkeypatch.context() as patch:
        patch.setattr(database, "MlflowClient", None)
        database.create_database(second)
    assert schema(second) == schema(first)
    (default,) = connect(f"sqlite:///{second}").search_experiments()
    assert default.artifact_location == f"{elsewhere}/mlruns/0"
    (before,) = connect(f"sqlite:///{first}").search_experiments()
    assert before.artifact_location == f"{tmp_path}/mlruns/0"
    assert before.creation_time < default.creation_time


def schema(path: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(path)) as opened:
        return opened.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()


def test_a_database_that_is_being_made_is_not_a_leftover(tmp_path: Path) -> None:
    making = tmp_path / ".mlflow-new-x"
    making.mkdir()
    with (making / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connect(f"sqlite:///{tmp_path}/mlflow.db")
        assert making.exists()
    connect(f"sqlite:///{tmp_path}/mlflow.db")
    assert not making.exists()


def test_a_database_that_another_driver_made_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mlflow.db"

    def made_meanwhile(_folder: Path) -> None:
        path.write_bytes(b"theirs")

    monkeypatch.setattr(database, "_remove_leftovers", made_meanwhile)
    database.create_database(path)
    assert path.read_bytes() == b"theirs"


def test_a_database_that_was_moved_and_cannot_be_written_is_read_from_a_copy_that_finds_its_artifacts(
    tmp_path: Path,
) -> None:
    first = tmp_path / "first"
    first.mkdir()
    open_experiment(connect(f"sqlite:///{first}/mlflow.db"), "sweep", Store(str(first)))
    moved = first.rename(tmp_path / "moved")
    written = (moved / "mlflow.db").read_bytes()
    with read_only(moved):
        experiment = connect_to_read(f"sqlite:///{moved}/mlflow.db").get_experiment_by_name("sweep")
    assert experiment is not None
    artifacts = Path(experiment.artifact_location.removeprefix("file://"))
    assert artifacts.resolve() == moved / "mlflow-artifacts" / "sweep"
    assert (moved / "mlflow.db").read_bytes() == written


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("http://user:p@ss/w?rd@host:5000", "http://***@host:5000"),
        (
            "postgresql://user:secret@host/db?sslpassword=secret&sslmode=require",
            "postgresql://***@host/db?sslpassword=***&sslmode=require",
        ),
        ("mysql+pymysql://host/db?user=me&password=secret", "mysql+pymysql://host/db?user=me&password=***"),
        ("sqlite:////tmp/a@b/mlflow.db?timeout=3", "sqlite:////tmp/a@b/mlflow.db"),
        ("http://host:5000", "http://host:5000"),
    ],
)
def test_an_address_is_shown_without_secrets(uri: str, said: str) -> None:
    assert shown(uri) == said


def test_words_of_others_are_shown_without_secrets() -> None:
    uri = "postgresql://user:s%40cret@host/db"
    words = f"cannot connect to {uri} as user with s@cret, s%40cret"
    assert redacted(words, uri) == "cannot connect to postgresql://***@host/db as user with ***, ***"


def test_drivers_of_databases_get_time_limits_unless_the_user_set_some() -> None:
    assert mlflow_uri("http://host:5000") == "http://host:5000"
    for scheme in ("postgresql", "postgresql+psycopg2"):
        limited = mlflow_uri(f"{scheme}://host/db?sslmode=require&connect_timeout=3")
        assert limited.startswith(f"{scheme}://host/db?sslmode=require&connect_timeout=3&")
        assert "tcp_user_timeout=30000" in limited
    assert "read_timeout=30" in mlflow_uri("mysql+pymysql://host/db")
    assert mlflow_uri("sqlite:////a.db?timeout=3") == "sqlite+pysqlite:////a.db?timeout=3"
    assert mlflow_uri("sqlite:////a.db") == "sqlite+pysqlite:////a.db?timeout=30"


@pytest.mark.parametrize("name", ["what?", "100%", "%41", "a#b", "a b", "[x]", "a&b=c", "küche", "a:b@c"])
def test_a_path_of_any_characters_is_one_database(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    uri = tracking_uri_of(str(folder), None)
    assert database_of(uri) == folder / "mlflow.db"
    assert "?" not in uri
    assert sqlalchemy.make_url(mlflow_uri(uri)).database == f"{folder}/mlflow.db"
    assert database_of(mlflow_uri(uri)) == folder / "mlflow.db"
    client = connect(uri)
    open_experiment(client, "sweep", Store(str(folder)))
    assert [path.name for path in folder.iterdir()] == ["mlflow.db"]
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize(
    ("tracking_uri", "server"),
    [
        ("http://lab:5000", "http://lab:5000/"),
        ("https://me:word@lab.example/mlflow/", "https://lab.example/mlflow/"),
        ("sqlite:////data/mlflow.db", "http://127.0.0.1:5000/"),
    ],
)
def test_the_page_of_the_runs_is_where_a_browser_finds_it_and_holds_no_password(tracking_uri: str, server: str) -> None:
    page = pages_of_runs(tracking_uri, "7")
    assert page is not None
    assert page.startswith(f"{server}#/experiments/7/runs?")
    assert "word" not in page


def test_a_database_server_has_no_page() -> None:
    assert pages_of_runs("postgresql://me:word@lab/mlflow", "7") is None
