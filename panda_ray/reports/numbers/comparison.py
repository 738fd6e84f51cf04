"""Two comparisons: with the paper's printed numbers, and between the `paper` and the `honest` protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from panda_ray.reports.numbers.averaging import CellSeed, grid_mean
from panda_ray.reports.numbers.frame import Grid
from panda_ray.reports.numbers.statistics import REPLICATES, Bootstrap, Interval, ScoredItems
from panda_ray.reports.paper import METHODS, PaperCell
from panda_ray.tasks.measures.scores import reduce
from panda_ray.tracking.reading.study import ItemStatistics


@dataclass(frozen=True)
class ComparedCell:
    """Our score beside the printed one, in percent; `erratum` says what is odd about the printed one."""

    method: str
    source: str
    target: str
    ours: float
    paper: float
    erratum: str


@dataclass(frozen=True)
class ComparedMethod:
    """A method's mean over the cells that both have, and its mean gain over prompt tuning there: the grid's means.

    Attributes:
        same_sign: transfers whose gain has the sign that the paper's has, of `transfers`.
    """

    method: str
    cells: tuple[ComparedCell, ...]
    gain: float | None
    paper_gain: float | None
    transfers: int
    same_sign: int

    @property
    def ours(self) -> float:
        return _mean_of_cells({cell: cell.ours for cell in self.cells})

    @property
    def paper(self) -> float:
        return _mean_of_cells({cell: cell.paper for cell in self.cells})

    @property
    def errata(self) -> int:
        return sum(bool(cell.erratum) for cell in self.cells)


def compare_with_paper(
    grid: Grid, methods: Mapping[str, str], printed: Mapping[tuple[str, str, str], PaperCell]
) -> list[ComparedMethod]:
    """Per method of the sweep that the paper has too, the cells that both have.

    Args:
        methods: label to the method's name.
        printed: `paper_cells` of the backbone.
    """
    cells = {label: _common_cells(grid, label, METHODS.get(name, ""), printed) for label, name in methods.items()}
    baseline_label = next((label for label, name in methods.items() if name == "prompt_tuning"), None)
    baseline = {cell.target: cell for cell in cells.get(baseline_label or "", [])}
    return [_compared(label, found, baseline) for label, found in cells.items() if found]


def _common_cells(
    grid: Grid, label: str, row: str, printed: Mapping[tuple[str, str, str], PaperCell]
) -> list[ComparedCell]:
    common = [
        (source, target, cell, printed[row, source, target])
        for (method, source, target), cell in grid.items()
        if method == label and (row, source, target) in printed
    ]
    return [ComparedCell(label, s, t, cell.mean, theirs.score, theirs.erratum) for s, t, cell, theirs in common]


def _compared(label: str, cells: Sequence[ComparedCell], baseline: Mapping[str, ComparedCell]) -> ComparedMethod:
    gains = {
        cell: (cell.ours - baseline[cell.target].ours, cell.paper - baseline[cell.target].paper)
        for cell in cells
        if cell.source and cell.target in baseline
    }
    return ComparedMethod(
        method=label,
        cells=tuple(cells),
        gain=_mean_of_cells({cell: ours for cell, (ours, _) in gains.items()}) if gains else None,
        paper_gain=_mean_of_cells({cell: paper for cell, (_, paper) in gains.items()}) if gains else None,
        transfers=len(gains),
        same_sign=sum((ours > 0) == (paper > 0) for ours, paper in gains.values()),
    )


def _mean_of_cells(values: Mapping[ComparedCell, float]) -> float:
    """The grid's mean; our seeds are averaged already, and the paper has one."""
    return grid_mean({(cell.target, cell.source, 0): value for cell, value in values.items()})


@dataclass(frozen=True)
class ProtocolGap:
    """How much choosing the epoch with a view of the reported rows flatters a method: the grid's mean over its cells.

    Both scores are of the same rows, the half of the dev set that the `honest` protocol reports, so that nothing but
    the choice of the epoch differs.

    Attributes:
        whole: score of the epoch that is best on the whole dev set, which includes that half.
        honest: score of the epoch that is best on the other half.
        interval: bootstrap interval of `gap`, over the items of the reported half.
        cells: finished cells whose predictions are known.
    """

    method: str
    whole: float
    honest: float
    interval: Interval | None
    cells: int

    @property
    def gap(self) -> float:
        return self.whole - self.honest


def protocol_gaps(
    scores: pd.DataFrame, examples: Mapping[str, ItemStatistics], methods: Sequence[str], replicates: int = REPLICATES
) -> list[ProtocolGap]:
    """Per method; one without finished cells whose predictions are known has no entry.

    Args:
        scores: finished cells of one backbone.
        examples: per key, what the scores were reduced from.
    """
    known = scores[scores["key"].isin(examples.keys())]
    units: dict[str, ScoredItems] = {}
    chosen: dict[str, tuple[str, str]] = {}
    for key, target, measure in zip(known["key"], known["target"], known["measure"], strict=True):
        whole, honest = examples[key].reported_by_whole(), examples[key].reported_by_half()
        chosen[key] = (f"whole {key}", f"honest {key}") if (whole != honest).any() else (f"both {key}",) * 2
        units |= {name: ScoredItems(target, measure, of) for name, of in zip(chosen[key], (whole, honest), strict=True)}
    bootstrap = Bootstrap(units, replicates)
    return [
        _protocol_gap(method, rows, units, chosen, bootstrap)
        for method in methods
        if len(rows := known[known["method"] == method])
    ]


def _protocol_gap(
    method: str,
    rows: pd.DataFrame,
    units: Mapping[str, ScoredItems],
    chosen: Mapping[str, tuple[str, str]],
    bootstrap: Bootstrap,
) -> ProtocolGap:
    cells: dict[CellSeed, tuple[str, str]] = {
        (target, sources, seed): chosen[key]
        for target, sources, seed, key in zip(rows["target"], rows["sources"], rows["seed"], rows["key"], strict=True)
    }

    def score(name: str) -> float:
        return reduce(units[name].measure, units[name].statistics_IM)

    return ProtocolGap(
        method=method,
        whole=grid_mean({cell: score(whole) for cell, (whole, _) in cells.items()}),
        honest=grid_mean({cell: score(honest) for cell, (_, honest) in cells.items()}),
        interval=bootstrap.difference(cells),
        cells=len(cells),
    )
