"""Charts of a study: methods against prompt tuning with their uncertainty, and metrics against real transfer."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panda_ray.reports.drawing import BASELINE_COLOR, INK, METHOD_COLORS, STYLE, Drawing, finish
from panda_ray.reports.frame import Aggregate, Grid
from panda_ray.reports.gains import MethodGain
from panda_ray.reports.statistics import Bootstrap, Interval
from panda_ray.reports.transferability import MetricQuality

AVERAGE = "all targets"


def methods_chart(
    name: str, grid: Grid, baseline: str, gains: Sequence[MethodGain], targets: Sequence[str], bootstrap: Bootstrap
) -> Drawing:
    """Left: scores per target with standard deviations over seeds. Right: mean gains with bootstrap intervals."""
    with mpl.rc_context(STYLE):
        height = 0.9 + (len(targets) + 1) * (0.2 + 0.13 * (len(gains) + 1))
        figure = Figure(figsize=(8.4, height), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
        _score_bars(left, grid, baseline, gains, targets)
        _gain_intervals(right, gains, targets, bootstrap)
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=len(gains) + 1)
        return finish(
            figure,
            name,
            "Left: score per target; a transfer method is averaged over its sources; error bars are standard "
            "deviations over seeds. Right: the mean gain over prompt tuning with its 95 % paired bootstrap interval "
            "over dev items.",
        )


def _score_bars(axes: Axes, grid: Grid, baseline: str, gains: Sequence[MethodGain], targets: Sequence[str]) -> None:
    labels = [baseline, *(gain.method for gain in gains)]
    colors = [BASELINE_COLOR, *METHOD_COLORS]
    thickness = 0.8 / len(labels)
    for index, label in enumerate(labels):
        means = {target: _mean_over_sources(grid, label, target) for target in targets}
        known = {target: cell for target, cell in means.items() if cell is not None}
        places = [targets.index(target) + (index - (len(labels) - 1) / 2) * thickness for target in known]
        axes.barh(
            places,
            [cell.mean for cell in known.values()],
            height=thickness * 0.92,
            xerr=[math.nan if cell.std is None else cell.std for cell in known.values()],
            error_kw={"elinewidth": 0.9, "capsize": 1.8, "ecolor": INK},
            color=colors[index % len(colors)],
            label=label,
        )
    axes.set_yticks(range(len(targets)), targets)
    axes.set_ylim(len(targets) - 0.4, -0.6)
    axes.set_xlabel("score (%)")
    axes.set_title("Score per target")
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)


def _mean_over_sources(grid: Grid, label: str, target: str) -> Aggregate | None:
    """Mean over the sources for each seed that has all of the computed ones."""
    cells = [cell for (method, _, task), cell in grid.items() if method == label and task == target]
    if not cells:
        return None
    seeds = set.intersection(*(set(cell.by_seed) for cell in cells))
    by_seed = {seed: statistics.fmean(cell.by_seed[seed] for cell in cells) for seed in sorted(seeds)}
    return Aggregate(by_seed, keys={}, expected=cells[0].expected) if by_seed else None


def _gain_intervals(axes: Axes, gains: Sequence[MethodGain], targets: Sequence[str], bootstrap: Bootstrap) -> None:
    rows = [*targets, AVERAGE]
    step = 0.6 / max(len(gains), 1)
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.axhline(len(targets) - 0.5, color=INK, linewidth=0.5, alpha=0.4)
    for index, gain in enumerate(gains):
        color = METHOD_COLORS[index % len(METHOD_COLORS)]
        for row, name in enumerate(rows):
            found = _gain(gain, name, bootstrap)
            if found is None:
                continue
            mean, interval = found
            place = row + (index - (len(gains) - 1) / 2) * step
            if interval is not None:
                axes.plot([interval.low, interval.high], [place, place], color=color, linewidth=1.6)
            axes.plot([mean], [place], "o" if name != AVERAGE else "D", color=color, markersize=4.5)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("gain over prompt tuning (points)")
    axes.set_title("Transfer gain, mean over sources")
    axes.grid(axis="x", alpha=0.25)


def _gain(gain: MethodGain, target: str, bootstrap: Bootstrap) -> tuple[float, Interval | None] | None:
    if target == AVERAGE:
        return gain.mean, gain.interval
    pairs = [pair for pair in gain.pairs if pair.target == target]
    if not pairs:
        return None
    mean = statistics.fmean(pair.mean for pair in pairs)
    return mean, bootstrap.difference([[keys for pair in pairs for keys in pair.keys]])


def metrics_chart(name: str, qualities: Sequence[MetricQuality]) -> Drawing:
    """Left: similarity within and between groups. Right: rank correlation with transfer, one dot per target."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 1.2 + 0.45 * len(qualities)), layout="constrained")
        left, right = figure.subplots(1, 2)
        _relatedness(left, qualities)
        _correlations(right, {quality.metric: quality.first_epoch.by_target for quality in qualities})
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=2)
        return finish(
            figure,
            name,
            "Left: mean predicted similarity of different tasks within a group and between groups. Right: Spearman "
            "correlation with PoT's score after the first epoch; a dot is a target, the bar is the mean over targets.",
        )


def _relatedness(axes: Axes, qualities: Sequence[MetricQuality]) -> None:
    for row, quality in enumerate(qualities):
        related = quality.relatedness
        ends = [value for value in (related.between, related.within) if value is not None]
        axes.plot(ends, [row] * len(ends), color=INK, linewidth=0.8, alpha=0.5)
        for value, color, marker, label in (
            (related.within, METHOD_COLORS[1], "o", "within a group"),
            (related.between, METHOD_COLORS[4], "s", "between groups"),
        ):
            if value is not None:
                axes.plot([value], [row], marker, color=color, markersize=6, label=label if row == 0 else None)
    _metric_rows(axes, [quality.metric for quality in qualities])
    axes.set_xlabel("mean predicted similarity")
    axes.set_title("Are related tasks similar?")


def _correlations(axes: Axes, by_metric: Mapping[str, Mapping[str, float]]) -> None:
    jitter = np.random.default_rng(0)
    axes.axvline(0, color=INK, linewidth=0.9)
    for row, values in enumerate(by_metric.values()):
        if not values:
            axes.text(0.03, row, "not defined", va="center", fontsize=8)
            continue
        places = row + jitter.uniform(-0.13, 0.13, len(values))
        axes.plot(list(values.values()), places, "o", color=METHOD_COLORS[1], markersize=4, alpha=0.65)
        mean = statistics.fmean(values.values())
        axes.plot([mean, mean], [row - 0.28, row + 0.28], color=METHOD_COLORS[0], linewidth=2.2)
    axes.set_xlim(-1.05, 1.05)
    _metric_rows(axes, list(by_metric))
    axes.set_xlabel("Spearman correlation")
    axes.set_title("Does it rank sources as transfer does?")


def _metric_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", alpha=0.25)
