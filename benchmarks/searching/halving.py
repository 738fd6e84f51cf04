"""What halving saves of the paper's grid, and what it loses: `python -m benchmarks.searching halving`.

The whole grid is trained once for all seeds, in common stacks. Then each seed is a search of its own with the pruner,
in a store of its own. Both train the same units, so that scores differ by rounding alone where both have one.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.searching.paper_search import Rows, Space, paper_search, run
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.search.points import points_of_studies
from panda_ray.search.pruning import first_rung
from panda_ray.search.space import Point, all_points

MOST_SHARE, MOST_LOST, LEAST_NEAR = 0.35, 0.5, 0.9
"""The bar: share of the examples, points between the scores of both choices, and share of seeds within those."""

Scores = Mapping[tuple[Any, ...], float]
"""Of a seed's points in percent, each by its values in the order of the space."""


@dataclass(frozen=True)
class Seed:
    """One seed's search beside its whole grid.

    Attributes:
        share: examples of the pruned search over those of the grid.
        best, chosen: score of the grid's choice, and of the pruned search's, in percent.
        lost: the difference between them.
        as_good: points of the grid that are at most the bar below its best.
        done: points that were trained to their end.
    """

    seed: int
    share: float
    best: float
    chosen: float
    best_point: Point
    chosen_point: Point
    as_good: int
    done: int

    @property
    def lost(self) -> float:
        return self.best - self.chosen

    @property
    def near(self) -> bool:
        return abs(self.lost) <= MOST_LOST + 1e-9


def whole_grid(storage: str, task: str, rows: Rows, space: Space, seeds: Sequence[int]) -> Mapping[int, Scores]:
    """Train every point with every seed; the scores by seed."""
    sweep = paper_search(storage, task, rows, seeds, space=space)
    run(sweep)
    store = Store(sweep.storage)
    (study,) = points_of_studies(sweep, read_catalog(sweep))
    found: dict[int, dict[tuple[Any, ...], float]] = {seed: {} for seed in seeds}
    for point in all_points(sweep):
        for seed, key in zip(seeds, study.keys(point), strict=True):
            found[seed][tuple(point[name] for name in space)] = store.known(key)["score"]
    return found


def halved(storage: str, task: str, rows: Rows, space: Space, seed: int, grid: Scores) -> Seed:
    """One seed's search with the pruner, beside the scores of its whole grid."""
    searched = run(paper_search(storage, task, rows, [seed], "search.pruner=halving", space=space))
    best, chosen = max(grid, key=lambda values: grid[values]), searched.standing.best
    assert chosen is not None
    assert chosen.value is not None
    return Seed(
        seed=seed,
        share=searched.epochs / sum(dict(zip(space, values, strict=True))["epochs"] for values in grid),
        best=grid[best],
        chosen=chosen.value,
        best_point=dict(zip(space, best, strict=True)),
        chosen_point=dict(chosen.point),
        as_good=sum(grid[best] - score <= MOST_LOST for score in grid.values()),
        done=searched.standing.count("done"),
    )


def looks(most_epochs: int) -> list[int]:
    """The epochs after which halving stops trials; nobody stops after the last one."""
    first = first_rung(most_epochs)
    return [first << doubled for doubled in range(most_epochs.bit_length()) if first << doubled < most_epochs]


def summary(task: str, rows: Rows, space: Space, found: Sequence[Seed]) -> dict[str, Any]:
    """All seeds of a task against the bar."""
    share, near = statistics.fmean(each.share for each in found), sum(each.near for each in found)
    return {
        "task": task,
        "rows": asdict(rows),
        "space": space,
        "stops": f"half of the trials after epochs {', '.join(map(str, looks(max(map(int, space['epochs'])))))}",
        "bar": {"share": MOST_SHARE, "lost": MOST_LOST, "near": LEAST_NEAR},
        "share": share,
        "largest_share": max(each.share for each in found),
        "near": near,
        "lost": statistics.fmean(each.lost for each in found),
        "most_lost": max(abs(each.lost) for each in found),
        "met": share <= MOST_SHARE and near >= LEAST_NEAR * len(found),
        "seeds": [{**asdict(each), "lost": each.lost} for each in found],
    }
