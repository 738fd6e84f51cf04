"""Searches in one process and on a real Ray: asked for, trained in stacks, told, and gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from panda_ray.execution.events import Listener
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.runners.ray_cluster import ray_cluster
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.run_plan import Runner
from panda_ray.execution.runners.temporary import temporary_folder
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.workspace import Settings
from support.searches import TWO_RANGES, points_of, search, small_search
from support.small_sweeps import fingerprints, run_inline, small_sweep

RUNNERS = ["inline", pytest.param("ray", marks=[pytest.mark.cluster, pytest.mark.slow])]


@pytest.fixture(scope="module")
def local_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with temporary_folder() as folder, ray_cluster(None, Settings.of(small_sweep(folder)), folder):
        yield


@pytest.fixture(params=RUNNERS)
def runner(request: pytest.FixtureRequest) -> Runner:
    if request.param == "inline":
        return InlineRunner()
    request.getfixturevalue("local_ray")
    return RayTuneRunner()


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


def test_a_finished_search_trains_nothing_and_chooses_the_same(tmp_path: Path) -> None:
    sweep = small_search(tmp_path)
    first, (before,) = search(sweep)
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
