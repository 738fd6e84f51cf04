"""Two comparisons: with the paper's printed numbers, and between the `paper` and the `honest` protocol."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from panda_ray.reports.frame import Grid
from panda_ray.reports.paper import METHODS, PaperCell


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
    """A method's mean over the cells that both have, and its mean gain over prompt tuning there.

    Attributes:
        same_sign: pairs whose gain has the sign that the paper's has, of `pairs`; None for prompt tuning itself.
    """

    method: str
    cells: tuple[ComparedCell, ...]
    gain: float | None
    paper_gain: float | None
    pairs: int
    same_sign: int

    @property
    def ours(self) -> float:
        return statistics.fmean(cell.ours for cell in self.cells)

    @property
    def paper(self) -> float:
        return statistics.fmean(cell.paper for cell in self.cells)

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
    gains = [
        (cell.ours - baseline[cell.target].ours, cell.paper - baseline[cell.target].paper)
        for cell in cells
        if cell.source and cell.target in baseline
    ]
    return ComparedMethod(
        method=label,
        cells=tuple(cells),
        gain=statistics.fmean(ours for ours, _ in gains) if gains else None,
        paper_gain=statistics.fmean(paper for _, paper in gains) if gains else None,
        pairs=len(gains),
        same_sign=sum((ours > 0) == (paper > 0) for ours, paper in gains),
    )


@dataclass(frozen=True)
class ProtocolGap:
    """How much choosing the epoch on the reported set flatters a method, on average over its cells.

    Attributes:
        paper: mean score of the epoch that is best on the whole dev set.
        honest: mean score, on the other half, of the epoch that is best on one half.
    """

    method: str
    paper: float
    honest: float
    cells: int

    @property
    def gap(self) -> float:
        return self.paper - self.honest


def protocol_gaps(scores: pd.DataFrame, methods: Sequence[str]) -> list[ProtocolGap]:
    """Per method; a method without finished cells has no entry."""
    found = [(method, scores[scores["method"] == method]) for method in methods]
    return [
        ProtocolGap(method, float(rows["score_paper"].mean()), float(rows["score_honest"].mean()), len(rows))
        for method, rows in found
        if len(rows)
    ]
