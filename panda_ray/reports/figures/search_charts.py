"""How a study went: its values in the order of asking, what mattered, and which values went with which.

Drawn here and not by `optuna.visualization.matplotlib`, which leaves out what was pruned and failed, keeps every figure
in pyplot's memory, and needs Optuna wherever a report is read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panda_ray.foreign_text import drawn_text
from panda_ray.reports.figures.drawing import (
    ABSENT_COLOR,
    INK,
    METHOD_COLORS,
    STACKED_INCHES,
    STYLE,
    Drawing,
    bare,
    finish,
)
from panda_ray.reports.numbers.searched.chosen_points import said
from panda_ray.search.trials import Trial
from panda_ray.sweep.search_section import Dimension, RangeSection
from panda_ray.tracking.searched import SearchedStudy

_BEST, _ORDINARY = METHOD_COLORS[0], METHOD_COLORS[1]
_TICKS = 4
_GROUND = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
"""Behind the texts that lines cross."""


def study_chart(name: str, study: SearchedStudy, space: Mapping[str, Dimension]) -> Drawing:
    """Three panels: history, importances, parallel coordinates."""

    def draw(figure: Figure, history: Axes, importances: Axes, parallel: Axes) -> Figure:
        _history(history, study.standing.trials)
        _importances(importances, study.importances, list(space))
        _parallel(parallel, study.standing.trials, study.standing.best, space)
        figure.suptitle(drawn_text(study.standing.address.title), x=0.01, ha="left", fontsize=10)
        return figure

    with mpl.rc_context(STYLE):
        beside = Figure(figsize=(9.6, 2.9), layout="constrained")
        below = Figure(figsize=(STACKED_INCHES, 7.5), layout="constrained")
        draw(below, *below.subplots(3, 1, height_ratios=(1, 0.7, 1.2)))
        for label in below.axes[-1].get_xticklabels():  # names of hyper-parameters, side by side
            label.set(rotation=25, ha="right")
        return finish(
            draw(beside, *beside.subplots(1, 3, width_ratios=(1, 0.7, 1.5))),
            name,
            "History: the value of each point in the order of asking (mean over seeds, %), and the best one so far; "
            "crosses below are points that were pruned or failed. Importance: how much of the differences between "
            "values each hyper-parameter explains (PED-ANOVA). Then every point as a line, darker where its value is "
            "higher; the chosen one thick and orange, pruned and failed ones dotted.",
            below,
        )


def _history(axes: Axes, trials: Sequence[Trial]) -> None:
    done = [(place, trial.value) for place, trial in enumerate(trials, 1) if trial.value is not None]
    if done:
        places, values = zip(*done, strict=True)
        best = [max(values[: index + 1]) for index in range(len(values))]
        axes.plot(places, values, "o", color=_ORDINARY, markersize=3)
        axes.step([*places, len(trials)], [*best, best[-1]], where="post", color=_BEST, linewidth=1.2)
    without = [place for place, trial in enumerate(trials, 1) if trial.state in ("pruned", "failed")]
    axes.plot(
        without, [0.02] * len(without), "x", color=ABSENT_COLOR, markersize=4, transform=axes.get_xaxis_transform()
    )
    axes.set_title("History")
    axes.set_xlabel("point")
    axes.set_ylabel("value (%)")
    axes.grid(axis="y", alpha=0.25)


def _importances(axes: Axes, found: Mapping[str, float], names: Sequence[str]) -> None:
    shown = sorted(found, key=lambda name: found[name]) or list(reversed(names))
    axes.barh(range(len(shown)), [100 * found.get(name, 0.0) for name in shown], color=_ORDINARY, height=0.6)
    axes.set_yticks(range(len(shown)), [drawn_text(name) for name in shown])
    axes.set_xlim(0, 100)
    axes.set_title("Importance (%)")
    if not found:
        axes.text(50, (len(shown) - 1) / 2, "too few points", color=INK, fontsize=8, ha="center", va="center")


def _parallel(axes: Axes, trials: Sequence[Trial], best: Trial | None, space: Mapping[str, Dimension]) -> None:
    scales = [_Scale(dimension) for dimension in space.values()]
    values = [trial.value for trial in trials if trial.value is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    colors = mpl.colormaps["viridis_r"]
    places = range(len(space) + 1)
    for trial in sorted(trials, key=lambda trial: trial.value if trial.value is not None else -math.inf):
        heights = [scale.height(trial.point[name]) for name, scale in zip(space, scales, strict=True)]
        if trial.value is None:
            axes.plot(places[:-1], heights, ":", color=ABSENT_COLOR, linewidth=0.7)
            continue
        share = (trial.value - low) / (high - low) if high > low else 1.0
        is_best = best is not None and trial.number == best.number
        color, width = (_BEST, 2.0) if is_best else (colors(0.1 + 0.8 * share), 0.8)
        axes.plot(places, [*heights, share], color=color, linewidth=width)
    for place, scale in zip(places, scales, strict=False):
        _axis(axes, place, scale.ticks)
    _axis(axes, places[-1], [(0.0, f"{low:.1f}"), (1.0, f"{high:.1f}")] if values else [])
    axes.set_xticks(list(places), [*map(drawn_text, space), "value (%)"])
    axes.set_yticks([])
    axes.set_xlim(-0.15, len(space) + 0.35)
    axes.set_title("Parallel coordinates")
    bare(axes)


def _axis(axes: Axes, place: int, ticks: Sequence[tuple[float, str]]) -> None:
    axes.axvline(place, color=INK, linewidth=0.6, alpha=0.5, zorder=0)
    for height, text in ticks:
        axes.annotate(
            drawn_text(text), (place, height), (3, 0), textcoords="offset points", fontsize=7, va="center", bbox=_GROUND
        )


class _Scale:
    """Where the values of one name stand on its axis, from 0 to 1.

    Attributes:
        ticks: height and text of some of them.
    """

    def __init__(self, dimension: Dimension) -> None:
        self._dimension = dimension
        if isinstance(dimension, RangeSection):
            self.ticks = [(share, said(self._value(dimension, share))) for share in (0.0, 0.5, 1.0)]
            return
        choices = list(dimension)
        self._choices = sorted(choices) if all(_is_number(choice) for choice in choices) else choices
        every = max(1, math.ceil((len(choices) - 1) / _TICKS))
        self.ticks = [(self.height(choice), said(choice)) for choice in self._choices[::every]]

    def height(self, value: object) -> float:
        if not isinstance(self._dimension, RangeSection):
            return self._choices.index(value) / (len(self._choices) - 1)  # type: ignore[arg-type]
        assert isinstance(value, int | float), "a range holds numbers"
        low, high = float(self._dimension.low), float(self._dimension.high)
        if self._dimension.log:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    @staticmethod
    def _value(dimension: RangeSection, share: float) -> float:
        low, high = float(dimension.low), float(dimension.high)
        return low * (high / low) ** share if dimension.log else low + (high - low) * share


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
