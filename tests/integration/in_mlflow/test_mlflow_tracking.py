"""The tracker over a real plan, a real store and a real MLflow: SQLite, and a server that comes and goes."""

from __future__ import annotations

import json
import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from panda_ray.errors import InputError
from panda_ray.execution.events import Outcome, RunSummary
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.store.sealed import SCORES
from panda_ray.execution.store.store import Store
from panda_ray.foreign_text import markdown_text
from panda_ray.reports.build import build_report
from panda_ray.reports.findings import best_line
from panda_ray.tracking.mlflow import MlflowTracker
from panda_ray.tracking.reading.read_study import read_study
from panda_ray.tracking.server.client import connect
from panda_ray.tracking.writing.experiment_page import VIEW
from panda_ray.tracking.writing.summary_tables import LEADERBOARD_FILE, TABLES_TAG
from panda_ray.training.member import EpochScore
from support.sweeps.records import publish
from support.sweeps.tracked import (
    COMMAND,
    Server,
    assert_one_finished_run_per_unit,
    assert_same_study,
    filled,
    make_sweep,
    runs_of,
    track,
)


def test_a_run_its_extension_and_its_report(storage: Path) -> None:
    """Half a sweep, the rest, one more target: never a run twice, and the report needs MLflow alone."""
    store = Store(str(storage))
    first = build_plan(make_sweep(storage, targets=["remark"]), store)
    published = publish(first, store)
    tracker = track(first, store, new=published)
    assert tracker.message(COMMAND) is None
    client = connect(tracker.tracking_uri)
    assert_one_finished_run_per_unit(client, first)

    extended = build_plan(make_sweep(storage), store)
    assert extended.done == frozenset(published)
    track(extended, store, new=publish(extended, store, extended.units.keys() - extended.done))
    assert_one_finished_run_per_unit(client, extended)

    shutil.rmtree(storage / "units")
    study = read_study(tracker.tracking_uri, "small")
    assert len(study.scores) == len(study.cells) == len(extended.cells) == 2 * 2 * (1 + 2 + 2)
    assert set(study.examples) == {cell.key for cell in extended.cells}
    assert len(study.similarity) == len(extended.similarities) == 2 * 2 * 2 * 2
    assert study.missing.empty
    report = build_report(tracker.tracking_uri, make_sweep(storage), storage / "report")
    page = report.paths[0].read_text(encoding="utf-8")
    assert "PanDa &lt;b&gt;" in page
    assert str(storage) not in page, "a report holds no paths of the machine"
    [summary] = [run for run in runs_of(client) if run.data.tags["product"] == "summary"]
    logged = {Path(file.path).name for file in client.list_artifacts(summary.info.run_id, "report")}
    assert logged == {path.name for path in report.paths}
    assert markdown_text(best_line(report.best)) in summary.data.tags["mlflow.note.content"]
    assert markdown_text(report.headline[0]) in summary.data.tags["mlflow.note.content"]
    assert summary.data.tags["state"] == "finished"
    assert summary.data.metrics["units_done"] == len(extended.units)
    assert {"path": LEADERBOARD_FILE, "type": "table"} in json.loads(summary.data.tags[TABLES_TAG])
    board = json.loads(Path(client.download_artifacts(summary.info.run_id, LEADERBOARD_FILE)).read_bytes())
    assert len(board["data"]) == 2 * (1 + 2 + 2), "a table is replaced, not added to"


def test_mlflow_is_rebuilt_from_the_store(storage: Path, empty_database: Path) -> None:
    plan, store = filled(storage)
    uri = track(plan, store).tracking_uri
    before = read_study(uri, "small")
    shutil.copy(empty_database, storage / "mlflow.db")
    shutil.rmtree(storage / "mlflow-artifacts")
    track(plan, store)
    after = read_study(uri, "small")
    assert_same_study(before, after)
    assert_one_finished_run_per_unit(connect(uri), plan)


def test_what_a_killed_driver_left_is_repaired(storage: Path) -> None:
    """A run between creation and its last call, a summary still RUNNING, and a twin made by a second driver."""
    plan, store = filled(storage)
    client = connect(track(plan, store).tracking_uri)
    runs = {run.data.tags["key"]: run for run in runs_of(client) if "key" in run.data.tags}
    cut, twin, *_ = runs
    client.delete_tag(runs[cut].info.run_id, "complete")
    client.update_run(runs[cut].info.run_id, "RUNNING")
    [summary] = [run for run in runs_of(client) if run.data.tags["product"] == "summary"]
    client.update_run(summary.info.run_id, "RUNNING")
    client.create_run(summary.info.experiment_id, tags=dict(runs[twin].data.tags), start_time=2**41)
    track(plan, store)
    alive = [run for run in runs_of(client) if run.info.lifecycle_stage == "active"]
    assert {run.info.status for run in alive} == {"FINISHED"}
    assert {run.data.tags["key"]: run.info.run_id for run in alive if "key" in run.data.tags} == {
        key: run.info.run_id for key, run in runs.items()
    }
    assert not [run for run in runs_of(client) if run.info.status == "RUNNING"]


@pytest.mark.parametrize("earlier", [False, True], ids=["of this result", "of an earlier one"])
def test_a_run_that_was_cut_before_its_end_is_logged_in_place_if_it_began_with_the_result(
    storage: Path, earlier: bool
) -> None:
    plan, store = filled(storage)
    client = connect(track(plan, store).tracking_uri)
    key, whole = next((run.data.tags["key"], run) for run in runs_of(client) if run.data.tags.get("method") == "pot")
    client.delete_run(whole.info.run_id)
    tags = {name: value for name, value in whole.data.tags.items() if name != "complete"}
    start = whole.info.start_time - 60_000 * earlier
    cut = client.create_run(whole.info.experiment_id, start_time=start, tags=tags)
    assert (cut.info.status, cut.info.end_time) == ("RUNNING", None)
    track(plan, store)
    [run] = [run for run in alive_runs(client) if run.data.tags.get("key") == key]
    assert (run.info.run_id == cut.info.run_id) is not earlier
    assert (run.info.status, run.data.tags["complete"]) == ("FINISHED", "true")
    assert (run.info.start_time, run.info.end_time) == (whole.info.start_time, whole.info.end_time)
    assert (run.data.metrics, run.data.params) == (whole.data.metrics, whole.data.params)
    assert not [run for run in runs_of(client) if run.info.status == "RUNNING"], "not among those deleted, either"


def test_a_stopped_unit_has_a_run_that_says_so_until_its_result_takes_the_place_of_it(storage: Path) -> None:
    whole, store = filled(storage)
    key = next(cell.key for cell in whole.cells if cell.method == "pot")
    shutil.rmtree(storage / "units" / key[:2] / key)
    plan = build_plan(whole.sweep, store)
    assert plan.done == whole.units.keys() - {key}
    history = (EpochScore(1, 0.9, 50.0, 51.0, 49.0), EpochScore(2, 0.7, 62.5, 63.0, 62.0))

    def run(*outcomes: Outcome) -> tuple[MlflowTracker, Run, float]:
        """One driver; the unit's only run afterwards, and how many units count as done."""
        tracker = MlflowTracker(store)
        now = build_plan(plan.sweep, store)
        tracker.start(now)
        for outcome in outcomes:
            tracker.on_outcome(None, outcome)
        tracker.on_finished(RunSummary(now, done=now.done))
        runs = alive_runs(connect(tracker.tracking_uri))
        [mine] = [run for run in runs if run.data.tags.get("key") == key]
        [summary] = [run for run in runs if run.data.tags["product"] == "summary"]
        assert tracker.message(COMMAND) is None
        assert mine.data.tags["mlflow.parentRunId"] == summary.info.run_id
        return tracker, mine, summary.data.metrics["units_done"]

    tracker, stopped, done = run(Outcome(key, "stopped", history=history, seconds=4.0))
    assert stopped.info.status == "KILLED"
    tags = {"stopped_after_epoch": "2", "complete": "true", "product": "prompt", "role": "cell", "method": "pot"}
    assert tags.items() <= stopped.data.tags.items()
    assert stopped.info.end_time - stopped.info.start_time == 4000
    assert stopped.data.metrics["seconds"] == 4.0
    assert stopped.data.params["config.prompt_len"] == "20"
    client = connect(tracker.tracking_uri)
    curve = client.get_metric_history(stopped.info.run_id, "dev/score")
    assert [(point.step, point.value) for point in curve] == [(1, 50.0), (2, 62.5)]
    assert not {"score", "score_last"} & stopped.data.metrics.keys()
    assert done == len(plan.done)
    study = read_study(tracker.tracking_uri, "small")
    assert len(study.missing) == 1, "a report has no score of it"
    assert study.failures == ()

    _, again, done = run()
    assert again.info.run_id == stopped.info.run_id, "a run that does nothing leaves it"
    assert done == len(plan.done)
    _, anew, _ = run(Outcome(key, "stopped", history=history[:1], seconds=1.0))
    assert (anew.info.status, anew.data.tags["stopped_after_epoch"]) == ("KILLED", "1")

    publish(plan, store, [key])
    _, ended, done = run()
    assert ended.info.status == "FINISHED"
    assert "stopped_after_epoch" not in ended.data.tags
    assert "score" in ended.data.metrics
    assert done == len(plan.units)
    assert read_study(tracker.tracking_uri, "small").missing.empty


def compute_anew(store: Store, key: str) -> float:
    """Another result in the place of a unit's: a minute later, three points better; returns its score."""
    record = store.known(key)
    files = {name: store.read_file(key, name) for name in record.pop("files")}
    shutil.rmtree(Path(store.url, "units", key[:2], key))
    better = {name: record[name] + 3.0 for name in SCORES}
    finished = datetime.fromisoformat(record["finished_at"]) + timedelta(minutes=1)
    store.publish(key, {**record, **better, "finished_at": finished.isoformat(timespec="milliseconds")}, files)
    return better["score"]


@pytest.mark.parametrize("killed", ["before anything was logged", "before the table", "before the run"])
def test_a_result_computed_anew_by_a_driver_that_was_killed_before_it_logged_is_seen(
    storage: Path, killed: str
) -> None:
    """Whichever of the unit's run and its row in the table of scores is still of the earlier result; no other moves."""
    plan, store = filled(storage)
    uri = track(plan, store).tracking_uri
    client = connect(uri)
    before = {run.data.tags["key"]: run for run in runs_of(client) if "key" in run.data.tags}
    [summary] = [run for run in runs_of(client) if run.data.tags["product"] == "summary"]
    table = storage / "mlflow-artifacts" / "small" / summary.info.run_id / "artifacts" / "scores.parquet"
    old_table = table.read_bytes()
    changed = next(cell.key for cell in plan.cells if cell.method == "pot")
    score = compute_anew(store, changed)
    if killed != "before anything was logged":
        track(build_plan(plan.sweep, store), store, new=[changed])
    if killed == "before the table":
        table.write_bytes(old_table)
    if killed == "before the run":
        [run] = [run for run in alive_runs(client) if run.data.tags.get("key") == changed]
        client.delete_run(run.info.run_id)
        client.restore_run(before[changed].info.run_id)

    again = Store(str(storage))
    track(build_plan(plan.sweep, again), again)
    rows = read_study(uri, "small").scores.set_index("key")["score"]
    assert rows[changed] == score
    after = {run.data.tags["key"]: run for run in alive_runs(client) if "key" in run.data.tags}
    assert after[changed].data.metrics["score"] == score
    assert {key: run.info.run_id for key, run in after.items() if key != changed} == {
        key: run.info.run_id for key, run in before.items() if key != changed
    }


def alive_runs(client: MlflowClient) -> list[Run]:
    return [run for run in runs_of(client) if run.info.lifecycle_stage == "active"]


def test_failures_are_kept_and_forgotten(storage: Path) -> None:
    store = Store(str(storage))
    sweep = make_sweep(storage, targets=["remark"], seeds=(11,))
    plan = build_plan(sweep, store)
    broken = next(cell.key for cell in plan.cells if cell.method == "pot")
    publish(plan, store, plan.units.keys() - {broken})
    tracker = MlflowTracker(store)
    tracker.on_plan(build_plan(sweep, store))
    tracker.on_outcome(None, Outcome(broken, "failed", "loss is NaN in epoch 2"))
    tracker.on_finished(RunSummary(plan, done=store.done_keys(), failed={broken: "loss is NaN in epoch 2"}))
    study = read_study(tracker.tracking_uri, "small")
    [failure] = study.failures
    assert (failure.method, failure.error) == ("pot", "loss is NaN in epoch 2")
    assert list(study.missing["key"]) == [broken]
    publish(plan, store, {broken})
    track(build_plan(sweep, store), store)
    study = read_study(tracker.tracking_uri, "small")
    assert study.failures == ()
    assert study.missing.empty


def test_a_sweep_that_was_never_run_cannot_be_read(storage: Path) -> None:
    with pytest.raises(InputError, match="knows no sweep 'small'"):
        read_study(f"sqlite:///{storage}/mlflow.db", "small")
    with pytest.raises(InputError, match="there is no MLflow database"):
        read_study(f"sqlite:///{storage}/elsewhere/mlflow.db", "small")
    assert not (storage / "elsewhere").exists(), "reading makes nothing"


def test_a_bug_in_the_tracker_is_a_note_that_names_it(storage: Path) -> None:
    store = Store(str(storage))
    tracker = MlflowTracker(store)
    plan = build_plan(make_sweep(storage, targets=["remark"], seeds=(11,)), store)
    tracker.on_plan(plan)
    tracker.on_outcome(None, Outcome("no such unit", "failed", "x"))
    tracker.on_finished(RunSummary(plan))
    assert tracker.trouble == "KeyError: 'no such unit'"
    assert "KeyError: 'no such unit'" in str(tracker.message(COMMAND))


@pytest.mark.cluster
def test_a_server_that_comes_and_goes(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Away at first, killed in the middle, away at the end: training goes on, and nothing is lost or doubled."""
    store = Store(str(tmp_path / "store"))
    sweep = make_sweep(tmp_path / "store", targets=["remark"])
    plan = build_plan(sweep, store)
    units = list(plan.units)
    tracker = MlflowTracker(store, server.uri)
    tracker.on_plan(plan)
    publish(plan, store, units[:5])
    for key in units[:5]:
        tracker.on_outcome(None, Outcome(key, "done"))
    server.start()
    client = connect(server.uri)
    for _ in range(200):
        if client.get_experiment_by_name("small") is not None and len(runs_of(client)) > 2:
            break
        time.sleep(0.1)
    server.stop()
    publish(plan, store, units[5:10])
    for key in units[5:10]:
        tracker.on_outcome(None, Outcome(key, "done"))
    tracker.on_finished(RunSummary(plan, done=frozenset(units[:10]), interrupted="SIGINT"))
    message = tracker.message(COMMAND)
    assert message is not None
    assert "finished units" in message
    assert set(units[5:10]) <= tracker.missing

    server.start()
    publish(plan, store, units[10:])
    track(build_plan(sweep, store), store, server.uri)
    assert_one_finished_run_per_unit(client, plan)
    study = read_study(server.uri, "small")
    assert len(study.scores) == len(plan.cells)
    assert set(study.examples) == {cell.key for cell in plan.cells}
    assert capsys.readouterr().out == "", "MLflow prints two addresses per run unless it is told not to"


def test_message_hides_the_password(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    plan = build_plan(make_sweep(tmp_path / "store", targets=["remark"], seeds=(11,)), store)
    keys = publish(plan, store, list(plan.units)[:1])
    tracker = track(plan, store, "http://someone:secret@127.0.0.1:9", new=keys)
    message = tracker.message(COMMAND)
    assert message is not None
    assert "secret" not in message
    assert "127.0.0.1:9 lacks 1 finished unit" in message


def test_the_experiments_page_follows_the_sweep_and_each_of_its_views_finds_the_cells_it_is_about(
    storage: Path,
) -> None:
    store = Store(str(storage))
    plan = build_plan(make_sweep(storage), store)
    units = list(plan.units)
    half = track(plan, store, new=publish(plan, store, units[:5]))
    client = connect(half.tracking_uri)
    note = client.get_experiment_by_name("small").tags["mlflow.note.content"]
    assert note.startswith(f"**finished**: 5 of {len(units)} units")
    publish(plan, store, units[5:])
    track(build_plan(plan.sweep, store), store)
    experiment = client.get_experiment_by_name("small")
    assert experiment.tags["mlflow.note.content"].startswith(f"**finished**: {len(units)} of {len(units)} units")
    views = [json.loads(value) for name, value in experiment.tags.items() if name.startswith(VIEW)]
    found = []
    for view in views:
        page = client.search_runs([experiment.experiment_id], view["searchFilter"], order_by=["metrics.`score` DESC"])
        assert len({(run.data.tags["method"], run.data.tags["target"]) for run in page}) == 1
        found += [run.data.tags["key"] for run in page]
    assert sorted(found) == sorted(cell.key for cell in plan.cells if cell.sources)


def test_a_server_that_does_not_take_the_note_has_all_runs(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow took 5,000 characters where it takes 20,000 today; what a real one refuses, for a small sweep."""
    monkeypatch.setattr("mlflow.utils.validation.MAX_EXPERIMENT_TAG_VAL_LENGTH", 600)
    plan, store = filled(storage)
    tracker = track(plan, store)
    assert tracker.message(COMMAND) is None
    client = connect(tracker.tracking_uri)
    assert_one_finished_run_per_unit(client, plan)
    tags = client.get_experiment_by_name("small").tags
    assert "mlflow.note.content" not in tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
