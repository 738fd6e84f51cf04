from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient

from panda_ray.tracking import examples
from panda_ray.tracking.client import connect, experiment_of
from panda_ray.tracking.unit_run import UnitLabels, log_unit
from support.records import predictions

EPOCHS = 300


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> MlflowClient:
    return connect(f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db")


def record() -> dict[str, Any]:
    return {
        "key": "f" * 64,
        "kind": "train",
        "identity": {"config": {"lr": 0.01, "max_steps": None}, "options": {}, "dependencies": {"teacher": "a" * 64}},
        "method": "panda",
        "source": "rte",
        "target": "cb",
        "backbone": "builtin-tiny",
        "seed": 11,
        "protocol": "paper",
        "metric": "accuracy",
        "score": 80.0,
        "score_last": 79.0,
        "score_first_epoch": 60.0,
        "score_paper": 80.0,
        "score_honest": 78.0,
        "history": [
            {"epoch": e, "loss": 1 / e, "score": 60 + e / 20, "score_select": 60.0, "score_report": 61.0}
            for e in range(1, EPOCHS + 1)
        ],
        "similarity": 0.4,
        "seconds": 10.0,
        "examples_per_second": None,
        "device": "cpu",
        "versions": {"torch": "2"},
        "stack": "s",
        "stack_width": 9,
        "finished_at": "2026-01-01T00:00:10.000+00:00",
        "files": {},
    }


def test_a_run_says_everything_about_its_unit(client: MlflowClient) -> None:
    experiment_id = experiment_of(client, "whole")
    labels = UnitLabels("cell", "PanDa, lambda 0.1")
    run_id = log_unit(
        client, record(), labels, {"prompt.safetensors": b"abc"}, experiment_id=experiment_id, parent_id="parent"
    )
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.info.end_time - run.info.start_time == 10_000
    assert run.info.run_name == "PanDa, lambda 0.1 rte → cb seed 11"
    expected = {
        "mlflow.parentRunId": "parent",
        "key": "f" * 64,
        "kind": "train",
        "role": "cell",
        "method": "PanDa, lambda 0.1",
        "source": "rte",
        "target": "cb",
        "backbone": "builtin-tiny",
        "seed": "11",
        "metric": "accuracy",
        "complete": "true",
    }
    assert expected.items() <= run.data.tags.items()
    assert run.data.params == {"config.lr": "0.01", "config.max_steps": "None", "dependencies.teacher": "a" * 64}
    assert run.data.metrics["similarity"] == 0.4
    assert "examples_per_second" not in run.data.metrics
    curve = client.get_metric_history(run_id, "dev/score")
    assert [point.step for point in curve] == list(range(1, EPOCHS + 1)), "more points than one call takes"
    assert [file.path for file in client.list_artifacts(run_id)] == ["prompt.safetensors"]


def test_a_run_that_was_cut_short_is_completed_in_place(client: MlflowClient) -> None:
    """Killed after the run was created: the next driver logs into the same run, twice if need be, and ends it."""
    experiment_id = experiment_of(client, "cut short")
    left = client.create_run(experiment_id, tags={"key": "f" * 64}).info.run_id
    assert client.get_run(left).info.status == "RUNNING"
    for _ in range(2):
        again = log_unit(
            client,
            record(),
            UnitLabels("cell", "panda"),
            {"prompt.safetensors": b"abc"},
            experiment_id=experiment_id,
            parent_id="parent",
            run_id=left,
        )
        assert again == left
    run = client.get_run(left)
    assert run.info.status == "FINISHED"
    assert run.data.tags["complete"] == "true"
    assert len(client.get_metric_history(left, "train/loss")) == EPOCHS
    assert len(client.search_runs([experiment_id])) == 1


def test_examples_survive_packing() -> None:
    generator = np.random.default_rng(0)
    select = np.arange(40) % 2 == 0
    units = {key: (generator.random((40, 3)), generator.random((40, 3))) for key in ("a", "b")}
    packed = examples.pack({key: predictions(select, best, honest) for key, (best, honest) in units.items()})
    found = examples.unpack(packed)
    assert set(found) == set(units)
    for key, (best, honest) in units.items():
        np.testing.assert_array_equal(found[key].best_IM, best)
        np.testing.assert_array_equal(found[key].honest_IM, honest)
        np.testing.assert_array_equal(found[key].select_I, select)
