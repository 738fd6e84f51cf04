"""Searches in one process and on a real Ray: asked for, trained in stacks, told, and gone on with."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import fmean

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.events import Listener
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.run_plan import Runner
from panda_ray.execution.store.store import Store
from panda_ray.training.engine.epoch_report import EpochReport
from support.sweeps.searches import NO_DROPOUT, SIX_POINTS, TWO_RANGES, points_of, search, small_search, values_of
from support.sweeps.small_sweeps import fingerprints, run_inline, small_sweep


class Stacks(Listener):
    """Widths of the stacks that trained."""

    def __init__(self) -> None:
        self.widths: list[int] = []

    def on_stack_started(self, stack: Stack) -> None:
        self.widths.append(len(stack.members))


def test_a_grid_trains_each_point_once_in_stacks_and_chooses_the_best(tmp_path: Path, runner: Runner) -> None:
    sweep, stacks = small_search(tmp_path), Stacks()
    summary, (standing,) = search(sweep, runner, [stacks])
    assert summary.complete
    assert sorted(stacks.widths) == [3, 3], "three learning rates share a stack, two numbers of epochs do not"
    assert len(points_of(standing)) == len(standing.trials) == 6
    assert {trial.state for trial in standing.trials} == {"done"}
    store = Store(sweep.storage)
    scores = {key: record["score"] for key, record in store.records()}
    assert len(scores) == 6, "a search of prompt tuning needs nothing besides its trials"
    assert sorted(scores.values()) == sorted(trial.value for trial in standing.trials if trial.value is not None)
    (cell,) = summary.plan.cells
    assert standing.best is not None
    assert scores[cell.key] == standing.best.value == max(scores.values())
    config = store.known(cell.key)["identity"]["config"]
    assert standing.best.point == {"lr": config["lr"], "epochs": config["epochs"]}
    assert summary.plan.role_of[cell.key] == "cell"


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
def test_a_search_on_ray_asks_for_the_points_of_one_in_this_process_and_scores_the_same(tmp_path: Path) -> None:
    section = {"space": TWO_RANGES, "sampler": "tpe", "trials": 4}
    here, there = (
        small_search(tmp_path / name, section, training=NO_DROPOUT, resources={"max_stack": 2})
        for name in ("here", "there")
    )
    (first, (inline,)), (second, (ray,)) = search(here), search(there, RayTuneRunner())
    assert len(inline.trials) == 4
    assert values_of(ray) == values_of(inline)
    assert first.plan.cells == second.plan.cells


def test_a_finished_search_trains_nothing_and_chooses_the_same(tmp_path: Path) -> None:
    sweep = small_search(tmp_path)
    first, (before,) = search(sweep)
    assert first.complete
    kept = fingerprints(tmp_path)
    again, (after,) = search(sweep)
    assert again.new == frozenset()
    assert fingerprints(tmp_path) == kept
    assert again.plan.cells == first.plan.cells
    assert (after.trials, after.best) == (before.trials, before.best)


def test_a_point_that_another_sweep_trained_is_told_and_not_trained(tmp_path: Path) -> None:
    grid = small_sweep(tmp_path, methods=["prompt_tuning"], metrics=[], sources=["remark"])
    trained = run_inline(
        grid.model_copy(update={"training": grid.training.model_copy(update={"lr": 1e-2, "epochs": 1})})
    )
    kept = fingerprints(tmp_path)
    summary, (standing,) = search(small_search(tmp_path))
    assert kept.items() <= fingerprints(tmp_path).items()
    assert len(summary.new) == 5
    assert not summary.new & trained.units.keys()
    assert standing.count("done") == 6


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes"])
def test_a_sampler_asks_for_as_many_distinct_points_as_were_wanted(tmp_path: Path, sampler: str) -> None:
    sweep = small_search(tmp_path, {"space": TWO_RANGES, "sampler": sampler, "trials": 7}, resources={"max_stack": 3})
    stacks = Stacks()
    summary, (standing,) = search(sweep, listeners=[stacks])
    assert summary.complete
    assert stacks.widths == [3, 3, 1], "a stack of points at a time"
    assert len(points_of(standing)) == 7
    assert all(1e-3 <= trial.point["lr"] <= 1e-1 for trial in standing.trials)  # type: ignore[operator]


def test_a_transfer_brings_its_source_prompt_along(tmp_path: Path, runner: Runner) -> None:
    sweep = small_search(tmp_path, methods=["pot"], sources=["review"])
    summary, _ = search(sweep, runner)
    assert summary.complete
    roles = [summary.plan.role_of[key] for key in summary.plan.units]
    assert sorted(roles) == ["cell", "source", *["trial"] * 5]
    (source,) = (key for key, role in summary.plan.role_of.items() if role == "source")
    config = Store(sweep.storage).known(source)["identity"]["config"]
    assert (config["lr"], config["epochs"]) == (sweep.training.lr or config["lr"], 3), "only trials are varied"


class Epochs(Listener):
    """How many members each epoch was trained with."""

    def __init__(self) -> None:
        self.members = 0

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        self.members += len(report.losses)


@pytest.mark.parametrize(
    ("runner", "pruner"),
    [
        ("inline", "median"),
        ("inline", "halving"),
        ("inline", "wilcoxon"),
        pytest.param("ray", "halving", marks=[pytest.mark.cluster, pytest.mark.slow]),
    ],
    indirect=["runner"],
)
def test_a_pruned_member_leaves_its_stack_and_is_not_trained_again(tmp_path: Path, runner: Runner, pruner: str) -> None:
    space = {"lr": [0.3, 0.1, 0.05, 0.02, 1e-7, 1e-8], "epochs": [5, 6]}
    # Scores of fewer rows tie more often than Wilcoxon's test can tell them apart.
    rows = {"max_train_rows": 48, "max_dev_rows": 24}
    sweep = small_search(
        tmp_path,
        {"space": space, "sampler": "grid", "pruner": pruner},
        training={"prompt_len": 4, "batch_size": 16},
        tasks={"remark": rows, "review": rows, "kinds": rows},
        resources={"max_stack": 2},
        seeds=[3],
    )
    epochs = Epochs()
    summary, (standing,) = search(sweep, runner, [epochs])
    assert summary.complete
    assert standing.count("pruned") == len(summary.stopped) >= 1
    assert standing.count("pruned") + standing.count("done") == 12
    assert epochs.members < 6 * 5 + 6 * 6
    done = {key for key, _ in Store(sweep.storage).records()}
    assert len(done) == standing.count("done")
    assert not done & summary.stopped
    assert [cell.key in done for cell in summary.plan.cells] == [True]
    kept, later = fingerprints(tmp_path), Epochs()
    again, (after,) = search(sweep, listeners=[later])
    assert (after.trials, after.best, again.plan.cells) == (standing.trials, standing.best, summary.plan.cells)
    assert fingerprints(tmp_path) == kept
    assert later.members == 0
    assert not list(tmp_path.glob("checkpoints/*"))


def test_an_honest_search_never_sees_what_it_reports(tmp_path: Path) -> None:
    search_section = {"space": {"lr": [1e-3, 1e-2, 1e-1]}, "sampler": "grid", "pruner": "halving"}
    sweep = small_search(tmp_path, search_section, protocol="honest")
    _, (standing,) = search(sweep)
    histories = {record["identity"]["config"]["lr"]: record["history"] for _, record in Store(sweep.storage).records()}
    for trial in standing.trials:
        if trial.state == "done":
            history = histories[trial.point["lr"]]
            assert trial.value == max(past["score_select"] for past in history)
            assert trial.reported == {past["epoch"]: past["score_select"] for past in history}
    assert any(past["score"] != past["score_select"] for history in histories.values() for past in history)


def test_the_value_of_several_seeds_is_their_mean(tmp_path: Path) -> None:
    sweep = small_search(tmp_path, seeds=[1, 2, 3], resources={"max_stack": 2})
    summary, (standing,) = search(sweep)
    scores = defaultdict(list)
    for _, record in Store(sweep.storage).records():
        config = record["identity"]["config"]
        scores[config["lr"], config["epochs"]].append(record["score"])
    assert {len(found) for found in scores.values()} == {3}
    for trial in standing.trials:
        assert trial.value == pytest.approx(fmean(scores[trial.point["lr"], trial.point["epochs"]]))
    assert [cell.seed for cell in summary.plan.cells] == [1, 2, 3]


def test_what_cannot_be_trained_has_failed_once(tmp_path: Path) -> None:
    """A loss that becomes infinite, and values that do not go together."""
    space = {"lr": [1e-2, 1e38], "initialization": ["normal", "zeros"], "initialization_scale": [0.01, 0.02]}
    sweep = small_search(tmp_path, {"space": space, "sampler": "grid"}, training={"epochs": 1, "prompt_len": 4})
    summary, (standing,) = search(sweep)
    errors = {trial.point["initialization"]: trial.error for trial in standing.trials if trial.point["lr"] == 1e-2}
    assert errors == {
        "normal": None,
        "zeros": "training.initialization_scale: has no effect with the initialization 'zeros'",
    }
    diverged = [
        trial for trial in standing.trials if trial.point["lr"] == 1e38 and trial.point["initialization"] != "zeros"
    ]
    assert [trial.state for trial in diverged] == ["failed", "failed"]
    assert all("NaN or infinite" in (trial.error or "") for trial in diverged)
    assert not summary.complete
    assert len(summary.plan.cells) == 1
    again, (after,) = search(sweep)
    assert (again.new, again.failed, after.trials) == (frozenset(), {}, standing.trials)


def test_a_study_under_other_settings_says_what_changed(tmp_path: Path) -> None:
    search(small_search(tmp_path))
    wider = SIX_POINTS | {"space": SIX_POINTS["space"] | {"lr": [1e-3, 1e-2]}}  # type: ignore[operator]
    with pytest.raises(InputError, match=r"space\.lr was \[0\.001, 0\.01, 0\.1\], is \[0\.001, 0\.01\]"):
        search(small_search(tmp_path, wider))
    with pytest.raises(InputError, match=r"seeds was \[1\], is \[2\]"):
        search(small_search(tmp_path, seeds=[2]))
    summary, _ = search(small_search(tmp_path, wider, name="other"))
    assert summary.new == frozenset(), "under another name the points are found again"


def test_a_storage_that_cannot_be_opened_is_said_without_its_password(tmp_path: Path) -> None:
    place = "postgresql+nodriver://me:hunter2@nowhere/db"
    with pytest.raises(InputError, match="cannot be opened") as raised:
        search(small_search(tmp_path, SIX_POINTS | {"storage": place}))
    assert "hunter2" not in str(raised.value)


def test_a_journal_keeps_a_study_as_well(tmp_path: Path) -> None:
    sweep = small_search(tmp_path / "store", SIX_POINTS | {"storage": str(tmp_path / "studies.log")})
    _, (before,) = search(sweep)
    assert not (tmp_path / "store" / "search.db").exists()
    again, (after,) = search(sweep)
    assert (again.new, after.trials) == (frozenset(), before.trials)
