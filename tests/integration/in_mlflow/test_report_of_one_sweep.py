"""Two sweeps that share a name, and so an MLflow experiment: the report of one never shows a cell of the other."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from panda_ray.errors import InputError
from panda_ray.execution.events import RunSummary
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.store.store import Store
from panda_ray.reports.build import build_report
from panda_ray.sweep import Sweep
from panda_ray.tracking.mlflow import MlflowTracker
from panda_ray.tracking.reading.read_study import read_study
from support.processes.command_line import CommandLine
from support.sweeps.records import publish


def described(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "name": "shared",
        "storage": str(folder / "store"),
        "backbones": [{"name": "builtin-tiny"}],
        "sources": ["review", "follows"],
        "targets": ["remark"],
        "methods": ["prompt_tuning", "pot"],
        "seeds": [1],
    } | changes


def run(folder: Path, **changes: Any) -> tuple[Sweep, str]:
    sweep = Sweep.model_validate(described(folder, **changes))
    store = Store(sweep.storage)
    plan = build_plan(sweep, store)
    publish(plan, store, plan.units.keys() - plan.done)
    return sweep, logged(sweep, store)


def logged(sweep: Sweep, store: Store) -> str:
    """What a driver logs that ends with what is done by then."""
    plan = build_plan(sweep, store)
    tracker = MlflowTracker(store, None)
    tracker.on_plan(plan)
    tracker.on_finished(RunSummary(plan, done=plan.done))
    return tracker.tracking_uri


def test_the_report_of_a_sweep_shows_its_cells_or_says_that_it_cannot(tmp_path: Path) -> None:
    first, uri = run(tmp_path)
    report = build_report(uri, first, tmp_path / "first")
    assert report.paths

    second, _ = run(tmp_path, targets=["choice"], seeds=[2, 3])
    with pytest.raises(InputError, match=r"another sweep under the name 'shared', with another targets, seeds for"):
        build_report(uri, first, tmp_path / "again")
    assert not (tmp_path / "again").exists(), "nothing is written for the wrong sweep"
    written = build_report(uri, second, tmp_path / "second")
    with next(path for path in written.paths if path.name == "scores.csv").open(encoding="utf-8") as file:
        cells = {(row["target"], row["seed"]) for row in csv.DictReader(file)}
    assert cells == {("choice", "2"), ("choice", "3")}

    run(tmp_path)
    study = read_study(uri, "shared", first)
    assert set(study.scores["target"]) == {"remark"}
    assert set(study.scores["key"]) == set(study.cells["key"])


def test_backbones_of_another_sweep_are_not_shown(tmp_path: Path) -> None:
    """Each backbone has a plan of its own, so another backbone's stays when a sweep is run again without it."""
    other = {"name": "twin", "path": str(Path(__import__("panda_ray").__file__).parent / "backbones" / "builtin_tiny")}
    run(tmp_path, backbones=[other], targets=["choice"], protocol="honest")
    sweep, uri = run(tmp_path)
    study = read_study(uri, "shared", sweep)
    assert study.backbones == ("builtin-tiny",)
    assert study.protocol == "paper"
    assert set(study.cells["backbone"]) == {"builtin-tiny"}
    assert study.targets == ("remark",)
    both = Sweep.model_validate(described(tmp_path, backbones=[{"name": "builtin-tiny"}, {"name": "bert-tiny"}]))
    with pytest.raises(InputError, match="knows no runs of backbone 'bert-tiny' in sweep 'shared'"):
        read_study(uri, "shared", both)


def test_what_has_no_bearing_on_cells_may_differ(tmp_path: Path) -> None:
    _, uri = run(tmp_path)
    changed = described(tmp_path, sources=["follows", "review"], resources={"max_stack": 2}, prices={"gpu_hour": 1.0})
    assert len(read_study(uri, "shared", Sweep.model_validate(changed)).scores) == 3
    for change in ({"data_root": "elsewhere"}, {"training": {"lr": 0.5}}, {"self_pairs": "skip"}):
        with pytest.raises(InputError, match=next(iter(change))):
            read_study(uri, "shared", Sweep.model_validate(described(tmp_path, **change)))


def test_the_command_ends_with_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path)
    command = CommandLine(tmp_path, monkeypatch)
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(described(tmp_path)), encoding="utf-8")
    ended = command("report", "sweep.yaml")
    assert ended.code == 0, ended.err
    other = command("report", "sweep.yaml", "--set", "seeds=[5]")
    assert other.code == 2
    assert "another sweep under the name 'shared'" in " ".join(other.err.split())
    assert "seeds" in other.err


def test_what_a_larger_run_that_was_interrupted_has_replaced_is_logged_anew_from_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sweeps have their reports in any order: the small one whole, the large one as far as it came."""
    run(tmp_path)
    large = Sweep.model_validate(described(tmp_path, seeds=[1, 2], sources=["review"]))
    logged(large, Store(large.storage))
    command = CommandLine(tmp_path, monkeypatch)
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(described(tmp_path)), encoding="utf-8")
    scores = tmp_path / "store" / "reports" / "shared" / "scores.csv"
    for options, sources in (([], ["", "follows", "review"]), (["seeds=[1,2]", "sources=[review]"], ["", "review"])):
        ended = command("report", "sweep.yaml", *(word for option in options for word in ("--set", option)))
        assert ended.code == 0, ended.err
        assert "MLflow had the cells of another sweep under the name 'shared'" in " ".join(ended.err.split())
        with scores.open(encoding="utf-8") as file:
            cells = sorted((row["sources"], row["seed"]) for row in csv.DictReader(file))
        assert cells == [(source, "1") for source in sources]
