from __future__ import annotations

import io
import json
from typing import Any, cast

import numpy as np
import pytest
from mlflow import MlflowClient

from panda_ray.tracking.reading import examples
from panda_ray.tracking.reading.curves import pack_curves, unpack_curves
from panda_ray.tracking.reading.study import Training
from panda_ray.tracking.server.client import connect
from panda_ray.tracking.writing.unit_runs.unit_labels import UnitLabels
from panda_ray.tracking.writing.unit_runs.unit_run import (
    known_milliseconds,
    known_unit_run,
    log_unit,
    new_unit_run,
    unit_tags,
)
from support.sweeps.records import BARE, predictions

EPOCHS = 300


def experiment_of(client: MlflowClient, name: str) -> str:
    return str(client.create_experiment(name))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> MlflowClient:
    return connect(f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db")


DEPENDENCIES = {"teacher": ["a" * 64, "b" * 64]}


def record() -> dict[str, Any]:
    return {
        "key": "f" * 64,
        "product": "prompt",
        "identity": {
            "config": {"lr": 0.01, "max_steps": None},
            "data": {"task": "cb", "fingerprint": "0123456789abcdef" * 4, "template_version": 2},
            "options": {},
            "dependencies": DEPENDENCIES,
        },
        "method": "panda",
        "sources": ["rte", "mnli"],
        "target": "cb",
        "backbone": "builtin-tiny",
        "seed": 11,
        "protocol": "paper",
        "measure": "accuracy",
        "score": 80.0,
        "score_last": 79.0,
        "score_first_epoch": 60.0,
        "score_paper": 80.0,
        "score_honest": 78.0,
        "history": [
            {"epoch": e, "loss": 1 / e, "score": 60 + e / 20, "score_select": 60.0, "score_report": 61.0}
            for e in range(1, EPOCHS + 1)
        ],
        "similarities": [0.4, 0.1],
        "seconds": 10.0,
        "examples_per_second": None,
        "device": "cpu",
        "hosts": ["panda1", "panda2"],
        "versions": {"torch": "2"},
        "stack": "s",
        "stack_width": 9,
        "finished_at": "2026-01-01T00:00:10.000+00:00",
        "files": {},
    }


def test_a_run_says_everything_about_its_unit(client: MlflowClient) -> None:
    experiment_id = experiment_of(client, "whole")
    labels = UnitLabels("cell", "PanDa, lambda 0.1")
    made = new_unit_run(client, record(), labels, experiment_id=experiment_id, parent_id="parent")
    log_unit(client, record(), {"prompt.safetensors": b"abc"}, run=made, tags={})
    run_id = made.run_id
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.info.end_time - run.info.start_time == 10_000
    assert run.info.run_name == "PanDa, lambda 0.1 rte+mnli → cb seed 11"
    expected = {
        "mlflow.parentRunId": "parent",
        "key": "f" * 64,
        "product": "prompt",
        "role": "cell",
        "method": "PanDa, lambda 0.1",
        "sources": "rte+mnli",
        "target": "cb",
        "backbone": "builtin-tiny",
        "seed": "11",
        "measure": "accuracy",
        "hosts": "panda1+panda2",
        "complete": "true",
    }
    assert expected.items() <= run.data.tags.items()
    assert run.data.params == {
        "config.lr": "0.01",
        "config.max_steps": "None",
        "data.task": "cb",
        "data.fingerprint": "0123456789abcdef" * 4,
        "data.template_version": "2",
        "dependencies.teacher": f"{'a' * 64}+{'b' * 64}",
    }
    assert run.data.metrics["similarity"] == pytest.approx(0.25), "the mean over the sources"
    assert not {"source", "version", "models"} & (run.data.tags.keys() | run.data.params.keys()), "columns of MLflow"
    assert "examples_per_second" not in run.data.metrics
    curve = client.get_metric_history(run_id, "dev/score")
    assert [point.step for point in curve] == list(range(1, EPOCHS + 1)), "more points than one call takes"
    assert [file.path for file in client.list_artifacts(run_id)] == ["prompt.safetensors"]


class Counted:
    """A client that notes what it is asked."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if callable(getattr(self._client, name)):
            self.asked.append(name)
        return getattr(self._client, name)


def test_a_new_run_takes_four_calls_besides_its_files_and_reads_nothing_back(client: MlflowClient) -> None:
    short = {**record(), "history": record()["history"][:30]}
    counted, experiment_id = Counted(client), experiment_of(client, "counted")
    asked = cast("MlflowClient", counted)
    made = new_unit_run(asked, short, UnitLabels("cell", "pot"), experiment_id=experiment_id, parent_id="parent")
    log_unit(asked, short, {"prompt.safetensors": b"abc", "predictions.parquet": b"d"}, run=made, tags={})
    assert counted.asked == ["create_run", "set_terminated", "log_inputs", "log_batch"]
    run = client.get_run(made.run_id)
    assert (run.info.status, run.data.tags["complete"], run.data.metrics["score"]) == ("FINISHED", "true", 80.0)
    assert len(run.inputs.dataset_inputs) == 1
    files = {file.path for file in client.list_artifacts(made.run_id)}
    assert files == {"prompt.safetensors", "predictions.parquet"}


def test_a_run_that_was_cut_short_is_completed_in_place(client: MlflowClient) -> None:
    """Killed after the run was created: the next driver logs into the same run, twice if need be, and ends it."""
    experiment_id = experiment_of(client, "cut short")
    left = client.create_run(experiment_id, tags={"key": "f" * 64}).info.run_id
    assert client.get_run(left).info.status == "RUNNING"
    for _ in range(2):
        tags = unit_tags(record(), UnitLabels("cell", "panda"), "parent")
        known = known_unit_run(client, record(), left)
        log_unit(client, record(), {"prompt.safetensors": b"abc"}, run=known, tags=tags)
    run = client.get_run(left)
    assert run.info.status == "FINISHED"
    assert run.data.tags["complete"] == "true"
    assert run.data.tags["role"] == "cell"
    assert [file.path for file in client.list_artifacts(left)] == ["prompt.safetensors"]
    assert len(client.get_metric_history(left, "train/loss")) == EPOCHS
    assert len(client.search_runs([experiment_id])) == 1


def test_the_rows_of_a_task_are_one_data_set_of_all_its_runs_known_by_their_fingerprint(client: MlflowClient) -> None:
    experiment_id = experiment_of(client, "data")
    labels = UnitLabels("cell", "panda")
    other = {**record(), "key": "e" * 64, "seed": 12}
    for unit in (record(), other):
        run = new_unit_run(client, unit, labels, experiment_id=experiment_id, parent_id="parent")
        for _ in range(2):
            log_unit(client, unit, {}, run=run, tags={})
        [found] = client.get_run(run.run_id).inputs.dataset_inputs
        assert (found.dataset.name, found.dataset.digest) == ("cb", ("0123456789abcdef" * 4)[:36])
        assert json.loads(found.dataset.source)["fingerprint"] == "0123456789abcdef" * 4
        assert [(tag.key, tag.value) for tag in found.tags] == [("mlflow.data.context", "training")]
    assert len(client.search_runs([experiment_id], "dataset.digest = '0123456789abcdef0123456789abcdef0123'")) == 2


def test_examples_survive_packing() -> None:
    generator = np.random.default_rng(0)
    select = np.arange(40) % 2 == 0
    units = {key: (generator.random((40, 3)), generator.random((40, 3))) for key in ("a", "b")}
    packed = examples.pack({key: predictions(select, best, honest) for key, (best, honest) in units.items()})
    found = examples.unpack(io.BytesIO(packed), units.keys())
    assert set(found) == set(units)
    assert set(examples.unpack(io.BytesIO(packed), {"b"})) == {"b"}
    for key, (best, honest) in units.items():
        np.testing.assert_array_equal(found[key].best_IM, best)
        np.testing.assert_array_equal(found[key].honest_IM, honest)
        np.testing.assert_array_equal(found[key].select_I, select)


def test_curves_survive_packing_and_lack_what_a_record_lacks() -> None:
    bare = {**BARE, "key": "b", "history": [{"epoch": 1, "loss": 0.25}, {"epoch": 2, "score": 61.5}]}
    packed = pack_curves([{**BARE, "key": "a", "peak_memory_bytes": 3 << 40}, bare])
    found = unpack_curves(io.BytesIO(packed), {"a", "b"})
    assert found["b"] == Training((0.25, None), (None, 61.5), 1.0, None)
    assert found["a"].peak_memory_bytes == 3 << 40
    assert set(unpack_curves(io.BytesIO(packed), {"b"})) == {"b"}


def test_what_mlflow_does_not_take_as_it_is_is_cut_or_replaced(client: MlflowClient) -> None:
    """More parameters than one call takes, hostile names, NUL, half a character, texts that are too long."""
    options = {f"option {index}": index for index in range(150)} | {"a/../b=\0": "\ud800", "long": "x" * 9000}
    hostile = {**record(), "identity": {"options": options}, "sources": ["a\0b"]}
    labels = UnitLabels("cell", "λ" * 400)
    made = new_unit_run(client, hostile, labels, experiment_id=experiment_of(client, "hostile"), parent_id="parent")
    log_unit(client, hostile, {}, run=made, tags={})
    run = client.get_run(made.run_id)
    assert len(run.data.params) == 152
    assert run.data.params["options.a_.._b__"] == "?"
    assert run.data.params["options.long"] == "x" * 6000
    assert run.data.tags["sources"] == "a\N{REPLACEMENT CHARACTER}b"
    assert run.info.run_name == "λ" * 250
    assert run.data.tags["complete"] == "true"


@pytest.mark.parametrize("none", ["", "yesterday", "2026-13-01T00:00:00+00:00"])
def test_what_is_no_time_is_zero_and_a_time_counts_in_milliseconds(none: str) -> None:
    assert known_milliseconds(none) == 0
    assert known_milliseconds("1970-01-01T01:00:01.250+01:00") == 1250
