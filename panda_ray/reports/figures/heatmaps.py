"""Heat maps of the grid: predicted similarity and transfer gain, tasks sorted by group, groups separated by gaps.

A pair without a value is hatched, never coloured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import Colormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from panda_ray.foreign_text import drawn_text
from panda_ray.reports.figures.drawing import ABSENT_COLOR, INK, STYLE, Drawing, bare, finish
from panda_ray.reports.formatting import number, signed
from panda_ray.reports.numbers.tables import Ranking

CELL = 0.42
"""Inches per cell."""

GAP = 0.18
"""Gap between groups, in cells."""

ANNOTATED_CELLS = 400
"""Larger maps carry no numbers in their cells."""


SATURATION = 0.95
"""Share of the gains that have a colour of their own; a few failed transfers must not bleach all others."""


def by_group(tasks: Sequence[str], groups: Mapping[str, str], leaders: Sequence[str]) -> list[str]:
    """Tasks of one group side by side, else in their order; groups in the order in which `leaders` bring them up."""
    order = list(dict.fromkeys(groups[task] for task in (*leaders, *tasks)))
    return sorted(tasks, key=lambda task: order.index(groups[task]))


def similarity_map(
    name: str, title: str, ranking: Ranking, sources: Sequence[str], targets: Sequence[str], groups: Mapping[str, str]
) -> Drawing:
    """Predicted similarity of every pair under one metric, which the title names."""
    low, high = min(ranking.values()), max(ranking.values())
    norm = Normalize(low, high if high > low else low + 1)
    grid = _Layout.of(sources, targets, groups)
    with mpl.rc_context(STYLE):
        figure, (axes,) = _figure(grid, [title])
        _draw(axes, grid, ranking, mpl.colormaps["cividis"], norm, lambda value: number(value, 2))
        _color_bar(figure, axes, mpl.colormaps["cividis"], norm, "predicted similarity")
        return finish(
            figure,
            name,
            f"{title}; mean over seeds. Tasks are sorted by group; tasks of the group 'other' are of different types.",
        )


def gain_map(
    name: str,
    gains: Mapping[str, Ranking],
    sources: Sequence[str],
    targets: Sequence[str],
    groups: Mapping[str, str],
) -> Drawing:
    """Transfer gain of every pair, one map per method, all on one scale that is symmetric around zero.

    Args:
        gains: per method label, gain in points by (source, target).
    """
    sizes = [abs(value) for method in gains.values() for value in method.values()]
    limit = float(np.quantile(sizes, SATURATION)) or 1.0
    norm = TwoSlopeNorm(0.0, -limit, limit)
    grid = _Layout.of(sources, targets, groups)
    with mpl.rc_context(STYLE):
        figure, panels = _figure(grid, [f"{method} − prompt tuning" for method in gains])
        for axes, values in zip(panels, gains.values(), strict=True):
            _draw(axes, grid, values, mpl.colormaps["RdBu"], norm, signed)
        _color_bar(figure, panels[-1], mpl.colormaps["RdBu"], norm, "transfer gain (points)", max(sizes) > limit)
        return finish(
            figure,
            name,
            "Transfer gain of every pair in points, mean over seeds: blue helps, red harms. One scale; its ends stand "
            "for all larger gains.",
        )


@dataclass(frozen=True)
class _Layout:
    """Where the cells are, in units of a cell."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    rows: Mapping[str, float]
    columns: Mapping[str, float]
    groups: Mapping[str, str]

    @classmethod
    def of(cls, sources: Sequence[str], targets: Sequence[str], groups: Mapping[str, str]) -> _Layout:
        rows, columns = (by_group(tasks, groups, leaders=sources) for tasks in (sources, targets))
        return cls(tuple(rows), tuple(columns), _positions(rows, groups), _positions(columns, groups), groups)

    @property
    def height(self) -> float:
        return self.rows[self.sources[-1]] + 1

    @property
    def width(self) -> float:
        return self.columns[self.targets[-1]] + 1


def _positions(tasks: Sequence[str], groups: Mapping[str, str]) -> dict[str, float]:
    positions = {}
    shift = 0.0
    for index, task in enumerate(tasks):
        if index and groups[task] != groups[tasks[index - 1]]:
            shift += GAP
        positions[task] = index + shift
    return positions


def _figure(grid: _Layout, titles: Sequence[str]) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=((grid.width * CELL + 0.35) * len(titles), grid.height * CELL), layout=None)
    panels = list(figure.subplots(1, len(titles), squeeze=False, gridspec_kw={"wspace": 0.35 / (grid.width * CELL)})[0])
    longest = max(len(grid.groups[task]) for task in grid.targets)
    for index, (axes, title) in enumerate(zip(panels, titles, strict=True)):
        axes.set(xlim=(0, grid.width), ylim=(grid.height, 0), aspect="equal")
        axes.set_title(drawn_text(title), y=1.0, pad=20 + 2.8 * longest)  # without `y`, each drawing looks for a place
        axes.set_xlabel("target")
        axes.set_xticks(
            [x + 0.5 for x in grid.columns.values()],
            [drawn_text(target) for target in grid.targets],
            rotation=45,
            ha="right",
        )
        axes.set_yticks(
            [y + 0.5 for y in grid.rows.values()], [drawn_text(source) for source in grid.sources] if index == 0 else []
        )
        _group_names(axes, grid.targets, grid.columns, grid.groups)
        bare(axes)
    panels[0].set_ylabel("source")
    return figure, panels


def _group_names(axes: Axes, tasks: Sequence[str], positions: Mapping[str, float], groups: Mapping[str, str]) -> None:
    """A line and a name over the columns of each group."""
    for group, members in groupby(tasks, key=lambda task: groups[task]):
        columns = [positions[task] for task in members]
        left, right = columns[0], columns[-1] + 1
        axes.plot([left + 0.06, right - 0.06], [-0.16, -0.16], color=INK, linewidth=1, clip_on=False)
        name = drawn_text(group.replace("_", " "))
        axes.text((left + right) / 2, -0.3, name, rotation=35, ha="left", va="bottom", fontsize=7.5, clip_on=False)


def _draw(
    axes: Axes, grid: _Layout, values: Ranking, colors: Colormap, norm: Normalize, write: Callable[[float], str]
) -> None:
    annotate = len(grid.sources) * len(grid.targets) <= ANNOTATED_CELLS
    corners, filled = [], []
    for source in grid.sources:
        for target in grid.targets:
            corner = (grid.columns[target], grid.rows[source])
            value = values.get((source, target))
            if value is None or math.isnan(value):
                axes.add_patch(Rectangle(corner, 1, 1, fill=False, hatch="////", edgecolor=ABSENT_COLOR, linewidth=0))
                continue
            color = colors(norm(value))
            corners.append(corner)
            filled.append(color)
            if annotate:
                x, y = corner[0] + 0.5, corner[1] + 0.5
                text = axes.text(x, y, write(value), ha="center", va="center", fontsize=7, color=_readable(color))
                text.set_in_layout(False)  # measuring hundreds of texts would take as long as drawing them
    # One artist: hundreds of patches of their own take as long to draw as everything else.
    squares = [[(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)] for x, y in corners]
    cells = PolyCollection(squares, facecolors=filled, edgecolors="white", linewidths=0.8, zorder=1)
    axes.add_collection(cells, autolim=False)


def _readable(color: tuple[float, float, float, float]) -> str:
    """Black or white, whichever stands out on the colour (Rec. 709 luma)."""
    red, green, blue, _ = color
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.45 else "#ffffff"


def _color_bar(
    figure: Figure, axes: Axes, colors: Colormap, norm: Normalize, label: str, pointed: bool = False
) -> None:
    """A scale beside the map; `pointed` where values lie beyond its ends."""
    place = axes.inset_axes((1.05, 0.0, 0.06, 1.0))
    bar = figure.colorbar(ScalarMappable(norm, colors), cax=place, extend="both" if pointed else "neither")
    bar.set_label(label)
    bar.outline.set_visible(False)
