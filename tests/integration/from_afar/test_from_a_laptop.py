"""A laptop's commands about a cluster: real jobs on a real head that says where it keeps sweeps."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from panda_ray.clusters.code import code_hash
from support.processes.command_line import Ended, run_here
from support.servers.ray_head import TOKEN, RayHead, ray_head

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "panda_ray_example"

SWEEP = {
    "name": "small",
    "storage": "runs/small",
    "backbones": ["builtin-tiny"],
    "sources": ["review"],
    "targets": ["remark"],
    "methods": ["pot"],
    "metrics": [],
    "seeds": [1],
    "training": {"epochs": 2, "prompt_len": 4, "batch_size": 16},
    "tasks": {name: {"max_train_rows": 48, "max_dev_rows": 24} for name in ("review", "remark")},
}


@dataclass(frozen=True)
class Laptop:
    """A folder with a sweep file in it, and the way to a cluster."""

    folder: Path
    url: str

    def __call__(self, *words: str) -> Ended:
        return run_here(self.folder, *words, "--address", self.url, "--json")

    def write(self, **changes: Any) -> str:
        path = self.folder / "sweep.json"
        path.write_text(json.dumps(SWEEP | changes), encoding="utf-8")
        return path.name


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def head(root: Path) -> Iterator[RayHead]:
    said = {"PANDA_RAY_STORAGE": f"{root}/", "MLFLOW_TRACKING_URI": f"sqlite:///{root}/mlflow.db"}
    with ray_head(said) as running:
        yield running


@pytest.fixture
def laptop(head: RayHead, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laptop:
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    return Laptop(tmp_path, head.url)


def states(found: Any) -> dict[str, str]:
    """The worst state of each check, and of those that found nothing worth a word none."""
    order = ("ok", "warning", "failure")
    worst: dict[str, str] = {}
    for each in found["findings"]:
        worst[each["check"]] = max(worst.get(each["check"], "ok"), each["state"], key=order.index)
    return worst


def test_doctor_examines_a_sweep_as_it_would_run_there(laptop: Laptop, root: Path) -> None:
    ended = laptop("doctor", laptop.write(tracking_uri="sqlite:///here.db"))
    found = ended.json
    facts = found["facts"]
    assert facts["storage_root"] == str(root)
    assert facts["storage"] == f"{root}/small"
    assert facts["tracking_uri"] == f"sqlite:///{root}/mlflow.db"
    assert facts["versions"]["code"] == facts["here"]["code"] == code_hash()
    assert len(facts["nodes"]) == 1
    expected = {"both sides", "versions", "nodes", "storage", "tracking", "data"}
    assert {check: state for check, state in states(found).items() if check in expected} == dict.fromkeys(
        expected, "ok"
    )


@pytest.fixture(scope="module")
def log_of_a_run(head: RayHead, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a submitted sweep said until it was done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", TOKEN)
        laptop = Laptop(tmp_path_factory.mktemp("submitted"), head.url)
        ended = run_here(laptop.folder, "submit", laptop.write(), "--yes", "--follow", "--address", head.url)
    assert ended.code == 0, ended.out + ended.err
    assert "installed there: python 3." in ended.err
    return ended.out


def test_a_sweep_is_looked_at_then_runs_there_and_is_done_when_it_is_submitted_again(
    laptop: Laptop, log_of_a_run: str
) -> None:
    assert "1 of 1 cells done" in log_of_a_run
    again = laptop("submit", laptop.write()).json
    assert (again["state"], again["started"], again["findings"]) == ("done", False, [])
    assert again["versions"]["code"] == code_hash()


def test_logs_say_of_a_cell_what_the_store_and_the_driver_know(laptop: Laptop, log_of_a_run: str) -> None:
    assert "panda-ray event" not in log_of_a_run
    assert "panda-ray event" not in laptop("logs", "small").json["log"]
    found = laptop("logs", "small", "--cell", "review->remark@builtin-tiny").json
    [cell] = found["cells"]
    assert [found["units"][key]["state"] for key in cell["units"]] == ["done", "done"]
    happened = [event["event"] for event in found["events"] if event["event"] != "epoch"]
    assert happened == ["started", "done", "started", "done"]
    wrong = laptop("logs", "small", "--cell", "review->remrak@builtin-tiny")
    assert wrong.code == 2
    assert "did you mean 'review->remark@builtin-tiny'" in wrong.err
    command = ("logs", "small", "--cell", "review->remark@builtin-tiny", "--follow", "--address", laptop.url)
    shown = run_here(laptop.folder, *command).out
    assert "review->remark@builtin-tiny, pot, seed 1: done" in shown
    assert "pot review -> remark (seed 1): done, stack builtin-tiny pot -> remark x1" in shown


def test_a_stack_that_no_node_holds_is_told_before_the_question(laptop: Laptop, log_of_a_run: str) -> None:
    file = laptop.write(name="large", resources={"gpus_per_stack": 1})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.confirm", lambda *_, **__: False)
        ended = run_here(laptop.folder, "submit", file, "--address", laptop.url)
    assert ended.code == 0
    assert "none holds a stack (1 CPUs, 1 GPUs); an autoscaling cluster starts one" in ended.err
    assert "started" not in ended.out


def test_what_the_tracking_server_would_refuse_is_refused_before_anything_starts(
    laptop: Laptop, log_of_a_run: str, root: Path
) -> None:
    client = MlflowClient(f"sqlite:///{root}/mlflow.db")
    gone = client.create_experiment("gone")
    client.delete_experiment(gone)
    ended = laptop("submit", laptop.write(name="gone"), "--yes")
    assert (ended.code, ended.out) == (2, "")
    assert "experiment 'gone' was deleted in MLflow" in ended.err
    with closing(sqlite3.connect(root / "mlflow.db")) as database, database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON experiment_tags BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    try:
        ended = laptop("submit", laptop.write(name="new"), "--yes")
    finally:
        with closing(sqlite3.connect(root / "mlflow.db")) as database, database:
            database.execute("DROP TRIGGER full")
    assert ended.code == 2
    assert "takes nothing" in ended.err
    assert "no room" in ended.err
    assert {job["sweep"] for job in laptop("jobs").json["sweeps"]} == {"small"}


def test_a_file_of_a_users_own_is_refused_and_with_upload_data_brought_and_trained_on(
    laptop: Laptop, root: Path
) -> None:
    rows = "".join(f"a {word} day,{mood}\n" for word, mood in [("fine", "good"), ("wet", "bad")] * 8)
    (laptop.folder / "my.csv").write_text(f"text,mood\n{rows}")
    mine = {"data": "my.csv", "kind": "classification", "text": "text", "label": "mood", "epochs": 1}
    file = laptop.write(name="mine", targets=["mine"], methods=["prompt_tuning"], tasks={"mine": mine})
    refused = laptop("submit", file, "--yes")
    assert refused.code == 2
    assert "has no 'my.csv', which is on this machine; bring it there with --upload-data" in refused.err
    ended = run_here(laptop.folder, "submit", file, "--yes", "--upload-data", "--follow", "--address", laptop.url)
    assert "1 of 1 cells done" in ended.out, ended.err
    [record] = [json.loads(path.read_text()) for path in (root / "mine").glob("units/*/*/record.json")]
    assert (record["target"], record["train_examples"], record["dev_examples"]) == ("mine", 12, 4)


def test_a_method_of_another_package_comes_along_to_the_workers(laptop: Laptop, root: Path) -> None:
    """The head has it not; the laptop has it in a process of its own, because this one knows its methods already."""
    shutil.copytree(EXAMPLE / "panda_ray_example", laptop.folder / "panda_ray_example")
    metadata = laptop.folder / "panda_ray_example-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: panda-ray-example\nVersion: 0.1.0\n")
    entry = "[panda_ray.methods]\nblended_pot = panda_ray_example.blended_pot:BLENDED_POT\n"
    (metadata / "entry_points.txt").write_text(entry)
    file = laptop.write(name="plugged", methods=["blended_pot"])
    command = ["submit", file, "--yes", "--follow", "--address", laptop.url]
    environment = os.environ | {"PYTHONPATH": f"{laptop.folder}{os.pathsep}{ROOT}"}
    ended = subprocess.run(
        [sys.executable, "-m", "panda_ray.cli", *command],
        cwd=laptop.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert "1 of 1 cells done" in ended.stdout, ended.stderr
    records = [json.loads(path.read_text()) for path in (root / "plugged").glob("units/*/*/record.json")]
    assert {record["method"] for record in records} == {"prompt_tuning", "blended_pot"}
