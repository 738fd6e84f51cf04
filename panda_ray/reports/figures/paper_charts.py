"""Charts of the paper: bars in groups, and curves over a value on a logarithmic axis.

Series differ by hatch, or by marker and line, besides their colour: a page may be printed in grey.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panda_ray.foreign_text import drawn_text
from panda_ray.reports.figures.drawing import BASELINE_COLOR, INK, METHOD_COLORS, STYLE, Drawing, finish

Series = Mapping[str, Sequence[tuple[float, float | None] | None]]
"""By name, a mean and its deviation per group or value; None where there is none."""

_APART = 1.04
"""Factor between two curves' points of one value, so that no error bar hides another."""

_COLORS = (BASELINE_COLOR, *METHOD_COLORS)
_HATCHES = ("", "////", "", "....", "\\\\\\\\", "xxxx", "----")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_LINES = ("-", "--", "-.", ":")

_CHARACTER = 0.082
"""Inches that one of a label takes, and a little more."""


def bars_chart(name: str, title: str, groups: Sequence[str], series: Series, drawn: str, caption: str) -> Drawing:
    """A group of bars per name below the axis; error bars are deviations.

    Args:
        drawn: what the numbers are.
        caption: what is said below the figure.
    """
    with mpl.rc_context(STYLE):
        words = [word for group in groups for word in group.split()]
        room = max(0.35 + 0.2 * len(series), _CHARACTER * max(map(len, words)) + 0.1)
        figure, axes = _figure(max(4.0, 0.9 + len(groups) * room), title, drawn)
        width = 0.85 / max(len(series), 1)
        for index, (label, values) in enumerate(series.items()):
            places = [group + (index - (len(series) - 1) / 2) * width for group in range(len(groups))]
            axes.bar(
                places,
                _means(values),
                width=width * 0.92,
                yerr=_deviations(values),
                error_kw={"elinewidth": 0.9, "capsize": 1.8, "ecolor": INK},
                color=_COLORS[index % len(_COLORS)],
                hatch=_HATCHES[index % len(_HATCHES)],
                edgecolor="white",
                linewidth=0,
                label=drawn_text(label),
            )
        axes.set_xticks(range(len(groups)), [_wrapped(group, room) for group in groups])
        if (floor := _floor(series)) is None:
            axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_ylim(bottom=floor)
        cut = f" The axis begins at {floor:g}." if floor else ""
        return _finished(figure, axes, name, f"{caption}{cut}")


def curves_chart(
    name: str, title: str, values: Sequence[str], series: Series, drawn: str, caption: str, over: str
) -> Drawing:
    """A curve per name over values on a logarithmic axis; arguments as those of `bars_chart`.

    Args:
        over: what the values are.
    """
    with mpl.rc_context(STYLE):
        figure, axes = _figure(5.2, title, drawn)
        axes.set_xlabel(drawn_text(over))
        at = [float(value) for value in values]
        for index, (label, points) in enumerate(series.items()):
            axes.errorbar(
                [value * _APART ** (index - (len(series) - 1) / 2) for value in at],
                _means(points),
                yerr=_deviations(points),
                color=_COLORS[index % len(_COLORS)],
                marker=_MARKERS[index % len(_MARKERS)],
                linestyle=_LINES[index % len(_LINES)],
                markersize=4,
                linewidth=1.2,
                capsize=1.8,
                label=drawn_text(label),
            )
        axes.set_xscale("log")
        axes.set_xticks(at, list(values))
        axes.set_xticks([], minor=True)
        return _finished(figure, axes, name, caption)


def _figure(width: float, title: str, drawn: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, 3.0), layout="constrained")
    axes = figure.subplots()
    axes.set_title(drawn_text(title))
    axes.set_ylabel(drawn_text(drawn))
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def _wrapped(label: str, inches: float) -> str:
    return textwrap.fill(drawn_text(label), max(1, int(inches / _CHARACTER)), break_long_words=False)


def _finished(figure: Figure, axes: Axes, name: str, caption: str) -> Drawing:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return finish(figure, name, caption)


def _means(values: Sequence[tuple[float, float | None] | None]) -> list[float]:
    return [math.nan if value is None else value[0] for value in values]


def _deviations(values: Sequence[tuple[float, float | None] | None]) -> list[float]:
    return [math.nan if value is None or value[1] is None else value[1] for value in values]


def _floor(series: Series) -> float | None:
    """Bars begin a little below the lowest of them, as the paper's do: what matters are the differences. None where
    some are negative, which hang from 0."""
    means = [value[0] for values in series.values() for value in values if value is not None]
    if means and min(means) < 0:
        return None
    return max(0.0, 5 * math.floor(min(means) / 5) - 5) if means else 0.0
