"""MLflow and the store after people touched them: the next run, with nothing to train, shows the same report."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.store.store import Store
from panda_ray.tracking.mlflow import MlflowTracker
from panda_ray.tracking.reading.read_study import read_study
from panda_ray.tracking.reading.study import Study
from panda_ray.tracking.server.client import connect
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


def uri_of(storage: Path) -> str:
    return f"sqlite:///{storage}/mlflow.db"


def state_of(folder: Path) -> dict[str, str]:
    """Every file of a folder and its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> tuple[Path, Study]:
    """A whole study, tracked in its store, and what MLflow says of it."""
    storage = tmp_path_factory.mktemp("touched") / "run"
    storage.mkdir()
    shutil.copy(empty_database, storage / "mlflow.db")
    track(*filled(storage))
    return storage, read_study(uri_of(storage), "small")


@pytest.fixture
def copied(original: tuple[Path, Study], tmp_path: Path) -> Path:
    """A copy of its folder, whose database still names the folder that it was copied from."""
    return Path(shutil.copytree(original[0], tmp_path / "copy"))


def planned(storage: Path) -> tuple[Plan, Store]:
    store = Store(str(storage))
    return build_plan(make_sweep(storage, targets=["remark"], seeds=(11,)), store), store


def summary_of(client: MlflowClient) -> Run:
    [summary] = [run for run in runs_of(client) if run.data.tags["product"] == "summary"]
    return summary


def unit_runs(client: MlflowClient) -> list[Run]:
    return [run for run in runs_of(client) if "key" in run.data.tags]


def folder_of(storage: Path, run: Run) -> Path:
    return storage / "mlflow-artifacts" / "small" / run.info.run_id / "artifacts"


def the_summary_was_deleted(storage: Path, client: MlflowClient) -> None:
    client.delete_run(summary_of(client).info.run_id)


def a_unit_run_was_deleted(storage: Path, client: MlflowClient) -> None:
    client.delete_run(unit_runs(client)[0].info.run_id)


def all_runs_were_deleted(storage: Path, client: MlflowClient) -> None:
    for run in runs_of(client):
        client.delete_run(run.info.run_id)


def the_artifacts_were_removed(storage: Path, client: MlflowClient) -> None:
    shutil.rmtree(storage / "mlflow-artifacts")


def the_summarys_artifacts_were_removed(storage: Path, client: MlflowClient) -> None:
    shutil.rmtree(folder_of(storage, summary_of(client)))


def the_statistics_of_a_task_were_removed(storage: Path, client: MlflowClient) -> None:
    shutil.rmtree(folder_of(storage, summary_of(client)) / "examples" / "remark")


def the_curves_of_a_task_were_removed(storage: Path, client: MlflowClient) -> None:
    shutil.rmtree(folder_of(storage, summary_of(client)) / "curves" / "remark")


def the_scores_were_removed(storage: Path, client: MlflowClient) -> None:
    (folder_of(storage, summary_of(client)) / "scores.parquet").unlink()


def a_units_artifacts_were_removed(storage: Path, client: MlflowClient) -> None:
    shutil.rmtree(folder_of(storage, unit_runs(client)[0]))


def the_database_was_removed(storage: Path, client: MlflowClient) -> None:
    (storage / "mlflow.db").unlink()


def the_database_was_renamed(storage: Path, client: MlflowClient) -> None:
    (storage / "mlflow.db").rename(storage / "old.db")


def the_database_was_emptied(storage: Path, client: MlflowClient) -> None:
    (storage / "mlflow.db").write_bytes(b"")


def tags_of_the_summary_were_removed(storage: Path, client: MlflowClient) -> None:
    client.delete_tag(summary_of(client).info.run_id, "backbone")


def runs_were_renamed(storage: Path, client: MlflowClient) -> None:
    for run in runs_of(client):
        client.update_run(run.info.run_id, name="mine")


@pytest.mark.parametrize(
    "touch",
    [
        the_summary_was_deleted,
        a_unit_run_was_deleted,
        all_runs_were_deleted,
        the_artifacts_were_removed,
        the_summarys_artifacts_were_removed,
        the_statistics_of_a_task_were_removed,
        the_curves_of_a_task_were_removed,
        the_scores_were_removed,
        a_units_artifacts_were_removed,
        the_database_was_removed,
        the_database_was_renamed,
        the_database_was_emptied,
        tags_of_the_summary_were_removed,
        runs_were_renamed,
    ],
)
def test_the_next_run_shows_the_same_and_writes_nothing_outside(
    original: tuple[Path, Study], copied: Path, touch: Callable[[Path, MlflowClient], None]
) -> None:
    elsewhere = state_of(original[0])
    touch(copied, connect(uri_of(copied)))
    plan, store = planned(copied)
    tracker = track(plan, store)
    assert tracker.message(COMMAND) is None
    assert_same_study(original[1], read_study(uri_of(copied), "small"))
    client = connect(uri_of(copied))
    if touch is not tags_of_the_summary_were_removed:
        alive = [run for run in runs_of(client) if run.info.lifecycle_stage == "active"]
        assert sorted(run.data.tags.get("key", "") for run in alive) == ["", *sorted(plan.units)]
        for run in alive:
            assert any(folder_of(copied, run).iterdir()), "every run has its files"
    assert state_of(original[0]) == elsewhere


def test_a_renamed_experiment_is_still_the_sweeps(original: tuple[Path, Study], copied: Path) -> None:
    client = connect(uri_of(copied))
    client.rename_experiment(client.get_experiment_by_name("small").experiment_id, "my favourite")
    assert_same_study(original[1], read_study(uri_of(copied), "small"))
    track(*planned(copied))
    assert client.get_experiment_by_name("small") is None, "there is no second one"
    assert_same_study(original[1], read_study(uri_of(copied), "small"))


def test_a_store_that_was_moved_takes_its_artifacts_along(
    original: tuple[Path, Study], copied: Path, tmp_path: Path
) -> None:
    track(*planned(copied))
    moved = copied.rename(tmp_path / "with ä and %")
    assert_same_study(original[1], read_study(uri_of(moved), "small"))
    store = Store(str(moved))
    extended = build_plan(make_sweep(moved, targets=["remark", "choice"], seeds=(11,)), store)
    track(extended, store, new=publish(extended, store, extended.units.keys() - extended.done))
    assert not copied.exists(), "nothing is written to the old place"
    study = read_study(uri_of(moved), "small")
    assert set(study.examples) == {cell.key for cell in extended.cells}
    client = connect(uri_of(moved))
    for run in runs_of(client):
        assert run.info.artifact_uri == folder_of(moved, run).as_uri()


def test_a_report_says_what_it_cannot_show(original: tuple[Path, Study], copied: Path) -> None:
    client = connect(uri_of(copied))
    the_statistics_of_a_task_were_removed(copied, client)
    study = read_study(uri_of(copied), "small")
    assert study.scores.equals(original[1].scores)
    assert study.examples == {}
    [note] = study.notes
    assert f"builtin-tiny: {len(study.scores)} of {len(study.scores)} cells have lost their per-item statistics" in note
    assert "panda-ray track" in note
    the_summarys_artifacts_were_removed(copied, client)
    with pytest.raises(InputError, match=r"were removed from MLflow; .* with `panda-ray track`"):
        read_study(uri_of(copied), "small")


def test_a_deleted_experiment_is_refused_at_the_start_and_made_anew(original: tuple[Path, Study], copied: Path) -> None:
    client = connect(uri_of(copied))
    old = client.get_experiment_by_name("small").experiment_id
    client.delete_experiment(old)
    plan, store = planned(copied)
    with pytest.raises(InputError, match=r"experiment 'small' was deleted in MLflow.*--rebuild"):
        MlflowTracker(store).start(plan)
    assert track(plan, store, rebuild=True).message(COMMAND) is None
    assert_same_study(original[1], read_study(uri_of(copied), "small"))
    assert_one_finished_run_per_unit(client, plan)
    client.restore_experiment(old)
    assert client.get_experiment(old).name.startswith("small before 2")
    assert len(client.search_runs([old])) == len(plan.units) + 1, "what was there is not lost"
    assert_same_study(original[1], read_study(uri_of(copied), "small"))


def test_a_broken_database_is_refused_at_the_start_and_put_aside(original: tuple[Path, Study], copied: Path) -> None:
    broken = b"this was no good idea" * 99
    (copied / "mlflow.db").write_bytes(broken)
    plan, store = planned(copied)
    with pytest.raises(InputError, match=r"mlflow\.db is no MLflow database .*--rebuild"):
        MlflowTracker(store).start(plan)
    assert track(plan, store, rebuild=True).message(COMMAND) is None
    assert_same_study(original[1], read_study(uri_of(copied), "small"))
    assert [path.read_bytes() for path in copied.glob("mlflow.db.broken-*")] == [broken]


def test_failures_come_back_from_the_store(copied: Path) -> None:
    """A failed source, what it blocks, and nothing of what is done meanwhile."""
    store = Store(str(copied))
    plan = build_plan(make_sweep(copied, targets=["remark"], seeds=(11, 12)), store)
    source = next(unit.key for unit in plan.units.values() if unit.seed == 12 and unit.task == "follows")
    store.failures.write(source, "loss is NaN in epoch 2")
    track(plan, store)
    before = read_study(uri_of(copied), "small")
    assert ("failed", "loss is NaN in epoch 2") in {(failure.status, failure.error) for failure in before.failures}
    blocked = [failure for failure in before.failures if failure.status == "blocked"]
    assert {(failure.method, failure.sources) for failure in blocked} >= {("pot", "follows"), ("PanDa <b>", "follows")}
    assert all(failure.error == f"needs {plan.units[source].title}, which failed" for failure in blocked)
    track(plan, store, rebuild=True)
    assert_same_study(before, read_study(uri_of(copied), "small"))


@pytest.mark.cluster
def test_a_server_whose_summary_and_artifacts_were_removed(server: Server, tmp_path: Path) -> None:
    server.start()
    plan, store = filled(tmp_path / "store")
    track(plan, store, server.uri)
    before = read_study(server.uri, "small")
    client = connect(server.uri)
    client.delete_run(summary_of(client).info.run_id)
    track(plan, store, server.uri)
    assert_same_study(before, read_study(server.uri, "small"))
    shutil.rmtree(tmp_path / "artifacts")
    track(plan, store, server.uri)
    assert_same_study(before, read_study(server.uri, "small"))
    track(plan, store, server.uri, rebuild=True)
    assert_same_study(before, read_study(server.uri, "small"))
    assert_one_finished_run_per_unit(client, plan)
