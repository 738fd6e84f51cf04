"""A laptop's commands about a cluster: real jobs on a real head that says where it keeps sweeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from panda_ray.clusters.code import code_hash
from support.command_line import Ended, run_here
from support.ray_head import TOKEN, RayHead, ray_head

pytestmark = pytest.mark.cluster

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
