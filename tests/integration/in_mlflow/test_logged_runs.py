"""What the tables of a local database say of units' runs is what MLflow says of them."""

from __future__ import annotations

from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import RunTag

from panda_ray.tracking.runs import COMPLETE, KEY, LABEL, PRODUCT, ROLE, STOPPED, SUMMARY
from panda_ray.tracking.server.client import connect
from panda_ray.tracking.server.uri import uri_of_database
from panda_ray.tracking.writing.unit_runs.logged_runs import NEVER, logged_runs, runs_of, runs_of_sqlite


def make(client: MlflowClient, experiment: str, start: int, end: int | None, **tags: str) -> str:
    run = client.create_run(experiment, start_time=start, tags=tags).info.run_id
    if end is not None:
        client.set_terminated(run, "FINISHED", end)
    client.log_metric(run, "score", 61.5)
    return str(run)


def test_the_tables_say_of_runs_what_mlflow_says_whole_or_not_and_nothing_of_others(tmp_path: Path) -> None:
    uri = uri_of_database(tmp_path / "mlflow.db")
    client = connect(uri)
    one, other = (client.create_experiment(name) for name in ("one", "other"))
    unit = {PRODUCT: "prompt", ROLE: "cell", LABEL: "pot"}
    whole = make(client, one, 1000, 5000, **unit, **{KEY: "aa", COMPLETE: "true"})
    twin = make(client, one, 900, 4000, **unit, **{KEY: "aa", COMPLETE: "true"})
    cut = make(client, one, 2000, None, **{PRODUCT: "embedding", KEY: "bb"})
    stopped = make(client, one, 3000, 6000, **unit, **{KEY: "cc", STOPPED: "2", COMPLETE: "true"})
    make(client, one, 1, 2, **{PRODUCT: SUMMARY})
    make(client, one, 1, 2, **{PRODUCT: "stack"})
    make(client, one, 1, 2, **{KEY: "of somebody"})
    make(client, other, 1, 2, **unit, **{KEY: "dd", COMPLETE: "true"})
    client.delete_run(make(client, one, 1, 2, **unit, **{KEY: "ee", COMPLETE: "true"}))
    client.set_tag(whole, "mlflow.note.content", "a note of somebody")
    client.log_batch(cut, tags=[RunTag("anything", "else")])
    found = logged_runs(client, one, uri)
    assert sorted(runs_of_sqlite(uri, one)) == sorted(runs_of(client, one))
    assert [run.run_id for run in found] == [twin, whole, cut, stopped]
    assert [(run.is_stopped, run.is_cut) for run in found] == [
        (False, False),
        (False, False),
        (False, True),
        (True, False),
    ]
    assert [(run.start_time, run.end_time) for run in found] == [(900, 4000), (1000, 5000), (2000, NEVER), (3000, 6000)]
    assert [(run.role, run.label) for run in found] == [("cell", "pot"), ("cell", "pot"), ("", ""), ("cell", "pot")]
