"""The grid table in the layout of the paper's Table II, as data.

One row of prompt tuning, one per other method without a source, then per method with one source a row per source, its
oracle and, per transferability metric, the best of the three sources that the metric ranks highest; last, per method
with several sources, one row per list of them, which no choice among single sources can take. A method whose sources a
metric chose has one choice, the best of them. Oracle and top-3 choose among the other tasks, never the target itself:
the paper's printed top-3 of E_avg lies below the target's own cell for COPA, WiC and CoLA, which a self pair's
similarity of 1 would have put among the three. A cell that was not computed is None and is never guessed; a row's
average exists only for seeds that have all of its cells.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from panda_ray.reports.numbers.frame import Aggregate, Grid
from panda_ray.reports.numbers.statistics import Bootstrap, Compared, Interval

TOP = 3
"""Sources that a metric may propose per target (the paper's top-3)."""

Shown = Literal["baseline", "alone", "source", "sources", "oracle", "top3"]
"""What a row shows: prompt tuning, another method without a source, one source, several sources in one training, or a
choice among single sources."""

Ranking = Mapping[tuple[str, str], float]
"""Predicted similarity by (source, target)."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        method: label of the method.
        title: the source, the list of sources, or what was chosen; "" without a source.
        cells: one per target; None where nothing was computed.
        average: mean over the targets per seed; None unless some seed has every cell.
        gain: difference of the average to prompt tuning's, over common seeds, in points.
        gain_over_pot: likewise to the PoT row of the same title.
        interval: bootstrap interval of `gain`.
    """

    shows: Shown
    method: str
    title: str
    cells: tuple[Aggregate | None, ...]
    average: Aggregate | None
    gain: float | None = None
    gain_over_pot: float | None = None
    interval: Interval | None = None


@dataclass(frozen=True)
class GridTable:
    """All rows of one backbone; columns are the targets."""

    backbone: str
    targets: tuple[str, ...]
    rows: tuple[Row, ...]

    def rows_of(self, shown: Shown) -> list[Row]:
        return [row for row in self.rows if row.shows == shown]


def grid_table(
    backbone: str,
    grid: Grid,
    *,
    baseline: str | None,
    alone: Sequence[str] = (),
    methods: Sequence[str],
    sources: Sequence[str],
    targets: Sequence[str],
    rankings: Mapping[str, Ranking],
    lists: Mapping[str, Sequence[str]] = {},
    choices: Mapping[str, tuple[int, str]] = {},
    pot: str | None = None,
    bootstrap: Bootstrap | None = None,
) -> GridTable:
    """The table of one backbone.

    Args:
        baseline: label of prompt tuning, if the sweep has it.
        alone: labels of the other methods without a source.
        methods: labels of the methods that use one source.
        lists: per label of a method that uses several, its lists of them.
        rankings: similarity per metric label, for the rows of the best of the top-3.
        choices: per label of a method whose sources a metric chose, how many, and the label of the metric.
        pot: label of plain prompt transfer, which the other methods are compared with as well.
        bootstrap: gives the gain of each row without a choice an interval.
    """
    first = _row("baseline", baseline, "", [grid.get((baseline, "", t)) for t in targets]) if baseline else None
    made = [_row("alone", label, "", [grid.get((label, "", t)) for t in targets]) for label in alone]
    made += [
        row
        for method in methods
        for row in (
            _chosen_rows(grid, method, sources, targets, *choices[method])
            if method in choices
            else _method_rows(grid, method, sources, targets, rankings)
        )
    ]
    made += [
        _row("sources", label, s, [grid.get((label, s, t)) for t in targets]) for label in lists for s in lists[label]
    ]
    of_pot = {(row.shows, row.title): row for row in made if row.method == pot}
    compared = [
        _compared(row, first, None if row.method == pot else of_pot.get((row.shows, row.title)), targets, bootstrap)
        for row in made
    ]
    return GridTable(backbone, tuple(targets), tuple([first, *compared] if first else compared))


def _method_rows(
    grid: Grid, method: str, sources: Sequence[str], targets: Sequence[str], rankings: Mapping[str, Ranking]
) -> list[Row]:
    others = {target: other_sources(sources, target) for target in targets}
    rows = _source_rows(grid, method, sources, targets)
    rows.append(_row("oracle", method, "oracle", _best(grid, method, targets, others)))
    for metric, ranking in rankings.items():
        ranked = {target: top_sources(ranking, sources, target) for target in targets}
        rows.append(_row("top3", method, top_title(metric), _best(grid, method, targets, ranked)))
    return rows


def _chosen_rows(
    grid: Grid, method: str, sources: Sequence[str], targets: Sequence[str], top: int, metric: str
) -> list[Row]:
    """Of a method whose sources a metric chose, so that there is no oracle among all, and no other choice."""
    trained = dict.fromkeys(targets, sources)
    best = _row("top3", method, top_title(metric, top), _best(grid, method, targets, trained))
    return [*_source_rows(grid, method, sources, targets), best]


def _source_rows(grid: Grid, method: str, sources: Sequence[str], targets: Sequence[str]) -> list[Row]:
    return [
        _row("source", method, source, [grid.get((method, source, target)) for target in targets]) for source in sources
    ]


def _best(
    grid: Grid, method: str, targets: Sequence[str], candidates: Mapping[str, Sequence[str]]
) -> list[Aggregate | None]:
    """Per target, the best computed cell among some sources."""
    found = [[grid[(method, s, t)] for s in candidates[t] if (method, s, t) in grid] for t in targets]
    return [max(cells, key=lambda cell: cell.mean) if cells else None for cells in found]


def top_title(metric: str, top: int = TOP) -> str:
    """What a metric's row of the best of the top-3 (or another number) is called."""
    return f"top-{top} by {metric}"


def other_sources(sources: Sequence[str], target: str) -> list[str]:
    """The sources that may be chosen for a target: all but itself."""
    return [source for source in sources if source != target]


def top_sources(ranking: Ranking, sources: Sequence[str], target: str) -> list[str]:
    """The other tasks with the highest predicted similarity; ties keep the order of the table."""
    known = [source for source in other_sources(sources, target) if (source, target) in ranking]
    return sorted(known, key=lambda source: -ranking[(source, target)])[:TOP]


def _row(shown: Shown, method: str, title: str, cells: Sequence[Aggregate | None]) -> Row:
    return Row(shown, method, title, tuple(cells), _average(cells))


def _average(cells: Sequence[Aggregate | None]) -> Aggregate | None:
    present = [cell for cell in cells if cell is not None]
    if not present or len(present) < len(cells):
        return None
    common = set.intersection(*(set(cell.by_seed) for cell in present))
    if not common:
        return None
    by_seed = {seed: statistics.fmean(cell.by_seed[seed] for cell in present) for seed in sorted(common)}
    return Aggregate(by_seed, keys={}, expected=max(cell.expected for cell in present))


def _compared(
    row: Row, baseline: Row | None, pot: Row | None, targets: Sequence[str], bootstrap: Bootstrap | None
) -> Row:
    interval = None
    if (
        bootstrap is not None
        and baseline is not None
        and row.shows in ("alone", "source", "sources")
        and row.average
        and baseline.average
    ):
        interval = bootstrap.difference(seed_pairs(row, baseline, targets))
    return replace(row, gain=_gain(row, baseline), gain_over_pot=_gain(row, pot), interval=interval)


def _gain(row: Row, other: Row | None) -> float | None:
    if other is None or row.average is None or other.average is None:
        return None
    ours, theirs = row.average.by_seed, other.average.by_seed
    common = ours.keys() & theirs.keys()
    return statistics.fmean(ours[seed] - theirs[seed] for seed in common) if common else None


def seed_pairs(row: Row, other: Row, targets: Sequence[str]) -> Compared:
    """The keys of both complete rows' units for the seeds that both averages are over."""
    assert row.average is not None
    assert other.average is not None
    seeds = sorted(row.average.by_seed.keys() & other.average.by_seed.keys())
    return {
        (target, row.title, seed): (ours.keys[seed], theirs.keys[seed])
        for target, ours, theirs in zip(targets, row.cells, other.cells, strict=True)
        if ours is not None and theirs is not None
        for seed in seeds
    }
