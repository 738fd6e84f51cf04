"""Searches that begin with what finished studies of similar tasks have chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from panda_ray.execution.work.similarity import compared
from panda_ray.search.trials import StudyStanding
from panda_ray.sweep import Sweep
from support.sweeps.searches import TWO_RANGES, search, small_search
from support.sweeps.small_sweeps import planned, small_sweep

TRAINING = {"epochs": 1, "prompt_len": 4, "batch_size": 16}
SECTION = {"space": TWO_RANGES, "sampler": "random", "trials": 3}
SOURCES = ["review", "kinds"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[StudyStanding]]:
    """A store with a search of two tasks, and how its studies stand."""
    folder = tmp_path_factory.mktemp("warm")
    _, standings = search(small_search(folder, SECTION, training=TRAINING, targets=SOURCES))
    assert all(standing.complete for standing in standings)
    return folder, standings


def later(folder: Path, **changes: Any) -> Sweep:
    section = SECTION | {"warm_start": "similar"}
    described: dict[str, Any] = {"name": "later", "training": TRAINING, "sources": SOURCES, "metrics": ["logme"]}
    return small_search(folder, **({"search": section} | described | changes))


def similarities(folder: Path) -> dict[str, float]:
    """By source, as a grid with the same metric has them."""
    plan, store = planned(small_sweep(folder, training=TRAINING, metrics=["logme"], sources=SOURCES))
    found = compared(plan.similarities, plan.metrics, store)
    return {pair.source: value for pair, value in found.items() if pair.target == "remark"}


def test_a_study_begins_with_the_best_points_of_the_most_similar_tasks_and_goes_on_with_its_own(
    finished: tuple[Path, list[StudyStanding]],
) -> None:
    folder, standings = finished
    best = {standing.address.target: standing.best.point for standing in standings if standing.best is not None}
    summary, (standing,) = search(later(folder))
    assert summary.complete
    expected = similarities(folder)
    order = sorted(SOURCES, key=lambda task: -expected[task])
    assert [(warm.task, warm.similarity, warm.point) for warm in standing.warm] == [
        (task, expected[task], best[task]) for task in order
    ]
    assert [trial.point for trial in standing.trials[:2]] == [best[task] for task in order]
    assert standing.trials[2].point not in best.values()
    assert [trial.state for trial in standing.trials] == ["done"] * 3
    again, (after,) = search(later(folder))
    assert (again.new, after.trials, after.warm) == (frozenset(), standing.trials, standing.warm)


def test_a_study_of_another_space_has_nothing_to_begin_with(finished: tuple[Path, list[StudyStanding]]) -> None:
    folder, _ = finished
    section = {"space": {"lr": TWO_RANGES["lr"]}, "sampler": "random", "trials": 1, "warm_start": "similar"}
    summary, (standing,) = search(later(folder, name="other", search=section))
    assert summary.complete
    assert standing.warm == ()


def test_a_task_whose_similarity_cannot_be_known_is_left_out(finished: tuple[Path, list[StudyStanding]]) -> None:
    """Its prompt diverges under the settings of this sweep, which the points do not have."""
    folder, _ = finished
    sweep = later(folder, name="left-out")
    kinds = sweep.tasks["kinds"].model_copy(update={"lr": 1e38})
    summary, (standing,) = search(sweep.model_copy(update={"tasks": sweep.tasks | {"kinds": kinds}}))
    assert len(summary.failed) == 1
    assert [warm.task for warm in standing.warm] == ["review"]
    assert standing.complete
