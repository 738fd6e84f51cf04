"""The report of a finished sweep is made again where it would be another one or is not as it was, and only there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from panda_ray.execution.events import RunSummary
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.store.store import Store
from panda_ray.reports.written_report import Report
from panda_ray.sweep import Sweep
from panda_ray.tracking.mlflow import MlflowTracker
from panda_ray.usecases.reporting import unchanged
from panda_ray.usecases.reporting.report import report_sweep
from panda_ray.usecases.reporting.unchanged import MADE_OF, unchanged_report
from support.sweeps.records import publish


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sweep, Report]:
    """A sweep of three cells that is logged and reported."""
    sweep = Sweep.model_validate(
        {
            "name": "kept",
            "storage": str(tmp_path_factory.mktemp("kept") / "store"),
            "backbones": [{"name": "builtin-tiny"}],
            "sources": ["review", "follows"],
            "targets": ["remark"],
            "methods": ["prompt_tuning", "pot"],
            "seeds": [1],
        }
    )
    store = Store(sweep.storage)
    publish(build_plan(sweep, store), store)
    log(sweep)
    return sweep, report_sweep(sweep)


def log(sweep: Sweep) -> None:
    """What a driver logs that finds nothing to do."""
    store = Store(sweep.storage)
    plan = build_plan(sweep, store)
    tracker = MlflowTracker(store, None)
    tracker.on_plan(plan)
    tracker.on_finished(RunSummary(plan, done=plan.done))
    assert not tracker.missing


def test_it_is_as_it_was_also_after_a_driver_that_had_nothing_to_do(finished: tuple[Sweep, Report]) -> None:
    sweep, report = finished
    assert unchanged_report(sweep) == report
    log(sweep)
    assert unchanged_report(sweep) == report


def reports(sweep: Sweep) -> list[Path]:
    """Where it is: beside the results, and with the run of MLflow."""
    storage = Path(sweep.storage)
    (kept,) = storage.glob("mlflow-artifacts/**/report/report.html")
    return [storage / "reports" / sweep.name, kept.parent]


def a_file(change: Callable[[Path], object], name: str) -> Callable[[Sweep], None]:
    return lambda sweep: change(reports(sweep)[0] / name) and None


def lose_what_mlflow_keeps(sweep: Sweep) -> None:
    (reports(sweep)[1] / "report.html").unlink()


@pytest.mark.parametrize(
    "change",
    [
        lose_what_mlflow_keeps,
        a_file(lambda path: path.write_text(path.read_text() + "\n"), "report.html"),
        a_file(Path.unlink, "scores.csv"),
        a_file(Path.unlink, MADE_OF),
        a_file(lambda path: path.write_text("[1, 2"), MADE_OF),
        a_file(lambda path: path.write_text(path.read_text().replace("report.html", "../../mlflow.db")), MADE_OF),
    ],
    ids=["lost by MLflow", "page", "table", "no note", "broken note", "note of another folder"],
)
def test_it_is_not_as_it_was_where_a_file_is_not(
    finished: tuple[Sweep, Report], change: Callable[[Sweep], None], tmp_path: Path
) -> None:
    sweep, report = finished
    folders = reports(sweep)
    for number, folder in enumerate(folders):
        shutil.copytree(folder, tmp_path / str(number))
    change(sweep)
    assert unchanged_report(sweep) is None
    for number, folder in enumerate(folders):
        shutil.copytree(tmp_path / str(number), folder, dirs_exist_ok=True)
    assert unchanged_report(sweep) == report


@pytest.mark.parametrize("part", ["code_hash", "absence_of"])
def test_other_code_and_other_rows_make_another_one(
    finished: tuple[Sweep, Report], part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unchanged, part, lambda *_: "another")
    assert unchanged_report(finished[0]) is None


def test_a_sweep_with_other_cells_has_none(finished: tuple[Sweep, Report]) -> None:
    sweep, _ = finished
    assert unchanged_report(sweep.model_copy(update={"seeds": [1, 2]})) is None


def test_it_moves_with_its_store(finished: tuple[Sweep, Report]) -> None:
    """A store that was moved has another MLflow database, so the page that leads there is made anew."""
    sweep, _ = finished
    there = Path(sweep.storage).with_name("moved")
    shutil.copytree(sweep.storage, there)
    assert unchanged_report(sweep.model_copy(update={"storage": str(there)})) is None


def test_new_results_have_it_made_again_once_and_so_has_a_page_with_own_rows(finished: tuple[Sweep, Report]) -> None:
    """Last: it leaves another report."""
    sweep, report = finished
    store = Store(sweep.storage)
    plan = build_plan(sweep, store)
    key = [key for key in plan.units if plan.role_of[key] == "cell"][-1]
    store.remove(key)
    publish(plan, store, [key])
    log(sweep)
    assert unchanged_report(sweep) is None
    again = report_sweep(sweep)
    assert again.headline == report.headline
    assert unchanged_report(sweep) == again
    report_sweep(sweep, own_rows=True)
    assert unchanged_report(sweep) is None
