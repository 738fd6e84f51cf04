"""What the benchmarks of searches say is what searches did."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.searching.halving import Seed, halved, looks, summary, whole_grid
from benchmarks.searching.paper_search import Rows, Space, paper_search
from benchmarks.searching.stacking import Cost, ratios
from benchmarks.searching.tables import halving as halving_lines
from panda_ray.execution.store.store import Store
from panda_ray.sweep_file import load_sweep

ROWS = Rows(train=24, dev=40)
SMALL: Space = {"lr": [1e-9, 0.1], "batch_size": [8, 16], "epochs": [1, 4]}


def test_a_pruned_search_is_compared_with_the_whole_grid_of_its_seed(tmp_path: Path) -> None:
    grids = whole_grid(str(tmp_path / "whole"), "bulletin", ROWS, SMALL, [3, 4])
    assert {seed: len(scores) for seed, scores in grids.items()} == {3: 8, 4: 8}
    records = [record for _, record in Store(str(tmp_path / "whole")).records()]
    scores = {record["score"] for record in records if record["seed"] == 4}
    assert set(grids[4].values()) == scores
    found = halved(str(tmp_path / "halved"), "bulletin", ROWS, SMALL, 4, grids[4])
    assert found.best == max(scores)
    chosen = tuple(found.chosen_point[name] for name in SMALL)
    assert found.chosen == pytest.approx(grids[4][chosen], abs=1e-6)
    kept = [record for _, record in Store(str(tmp_path / "halved")).records()]
    assert len(kept) == found.done < 8
    # All see the first epoch, after which halving looks; what stops there costs one epoch of its four.
    least = (8 - found.done + sum(record["identity"]["config"]["epochs"] for record in kept)) / 20
    assert least <= found.share < 1


def test_the_bar_needs_the_share_and_nine_of_ten_seeds() -> None:
    def seeds(share: float, lost: Sequence[float]) -> list[Seed]:
        return [Seed(number, share, 80.0, 80.0 - each, {}, {}, 1, 3) for number, each in enumerate(lost)]

    near, far = [0.5, *[0.0] * 8], [0.6, 0.6, *[0.0] * 8]
    met = {
        name: summary("bulletin", ROWS, SMALL, found)
        for name, found in {
            "both": seeds(0.35, [*near, 0.51]),
            "share": seeds(0.36, [*near, 0.0]),
            "far": seeds(0.35, far),
            "better": seeds(0.35, [-each for each in far]),
        }.items()
    }
    assert {name: each["met"] for name, each in met.items()} == {
        "both": True,
        "share": False,
        "far": False,
        "better": False,
    }
    assert [met["both"][name] for name in ("near", "most_lost")] == [9, pytest.approx(0.51)]
    assert "9 of 10" in next(halving_lines(met["both"]))
    assert "not met" in next(halving_lines(met["far"]))


def test_a_result_says_when_halving_looked() -> None:
    assert {most: looks(most) for most in (4, 15, 32, 100)} == {
        4: [1, 2],
        15: [1, 2, 4, 8],
        32: [2, 4, 8, 16],
        100: [6, 12, 24, 48, 96],
    }


def test_contenders_are_compared_by_the_training() -> None:
    costs = {"stacked": Cost(45, 90.0, 45.0, 0, 0, {3: 15}), "tune": Cost(15, 300.0, 60.0, 0, 0, {1: 15})}
    assert ratios(costs, "stacked") == {"tune": {"whole": pytest.approx(10.0), "training": pytest.approx(4.0)}}


def test_the_grid_has_as_many_points_as_the_paper_has() -> None:
    sweep = paper_search("x", "bulletin", ROWS, [1])
    assert sweep.search is not None
    paper = load_sweep("search/paper_grid", []).search
    assert paper is not None
    assert {name: len(list(values)) for name, values in sweep.search.space.items()} == {
        name: len(list(values)) for name, values in paper.space.items()
    }
    assert (sweep.search.pruner, sweep.search.sampler) == ("none", "grid")
