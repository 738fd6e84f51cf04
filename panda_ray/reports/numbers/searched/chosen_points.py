"""What a search chose, study by study, with the uncertainty of its score over seeds."""

from __future__ import annotations

from dataclasses import dataclass

from panda_ray.reports.numbers.frame import Aggregate, Grid
from panda_ray.reports.numbers.searched.warm_starts import WarmStartGain, warm_start_gain
from panda_ray.search.space import Point
from panda_ray.sweep import sources_text
from panda_ray.tracking.searched import Searched, SearchedStudy


@dataclass(frozen=True)
class ChosenPoint:
    """The best point of one study.

    Attributes:
        sources: empty for a method without transfer.
        point: None before any trial is done.
        selected_by: its mean over seeds of the score that points were compared by.
        score: of the cell that it fills, over seeds; None before the cell is reported.
        trials: asked for, of `wanted`; `done`, `pruned` and `failed` of those.
        ended: why the study ended early, or None.
        warm: what its warm start saved, where it had one.
    """

    method: str
    sources: str
    target: str
    point: Point | None
    selected_by: float | None
    score: Aggregate | None
    trials: int
    wanted: int
    done: int
    pruned: int
    failed: int
    ended: str | None
    warm: WarmStartGain | None

    @property
    def text(self) -> str:
        """The point, for people."""
        return ", ".join(f"{name} {said(value)}" for name, value in (self.point or {}).items())


def said(value: object) -> str:
    """A value of a point, with as many digits as tell it from others."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def chosen_points(searched: Searched | None, grid: Grid) -> tuple[ChosenPoint, ...]:
    """One per study of a backbone, in the order of the sweep."""
    return () if searched is None else tuple(_chosen(study, grid) for study in searched.studies)


def _chosen(study: SearchedStudy, grid: Grid) -> ChosenPoint:
    standing = study.standing
    _, method, sources, target = standing.address
    best = standing.best
    return ChosenPoint(
        method=method,
        sources=sources_text(sources),
        target=target,
        point=None if best is None else best.point,
        selected_by=None if best is None else best.value,
        score=grid.get((method, sources_text(sources), target)),
        trials=len(standing.trials),
        wanted=standing.wanted,
        done=standing.count("done"),
        pruned=standing.count("pruned"),
        failed=standing.count("failed"),
        ended=standing.ended,
        warm=warm_start_gain(standing),
    )
