"""Charts of a study: methods against prompt tuning with their uncertainty, and metrics against real transfer."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panda_ray.foreign_text import drawn_text
from panda_ray.reports.figures.drawing import BASELINE_COLOR, INK, METHOD_COLORS, STACKED_INCHES, STYLE, Drawing, finish
from panda_ray.reports.numbers.averaging import grid_mean
from panda_ray.reports.numbers.frame import Grid
from panda_ray.reports.numbers.gains import MethodGain
from panda_ray.reports.numbers.transferability import MetricQuality

AVERAGE = "all targets"


def methods_chart(name: str, grid: Grid, baseline: str, gains: Sequence[MethodGain], targets: Sequence[str]) -> Drawing:
    """First scores per target with standard deviations over seeds, then mean gains with bootstrap intervals."""
    height = 0.9 + (len(targets) + 1) * (0.2 + 0.13 * (len(gains) + 1))

    def draw(figure: Figure, columns: int, scores: Axes, differences: Axes) -> Figure:
        _score_bars(scores, grid, baseline, gains, targets)
        _gain_intervals(differences, gains, targets)
        figure.legend(*scores.get_legend_handles_labels(), loc="outside upper left", ncols=columns)
        return figure

    with mpl.rc_context(STYLE):
        beside = Figure(figsize=(8.4, height), layout="constrained")
        below = Figure(figsize=(STACKED_INCHES, 2 * height), layout="constrained")
        return finish(
            draw(beside, len(gains) + 1, *beside.subplots(1, 2, width_ratios=(1.25, 1))),
            name,
            "First the score per target; a transfer method is averaged over its transfers; error bars are standard "
            "deviations over the seeds that have all of them. Then the mean gain over prompt tuning, over the seeds "
            "of a transfer, the transfers to a target, then the targets, with its 95 % paired bootstrap interval over "
            "dev items.",
            draw(below, 2, *below.subplots(2, 1)),
        )


def _score_bars(axes: Axes, grid: Grid, baseline: str, gains: Sequence[MethodGain], targets: Sequence[str]) -> None:
    labels = [baseline, *(gain.method for gain in gains)]
    colors = [BASELINE_COLOR, *METHOD_COLORS]
    thickness = 0.8 / len(labels)
    for index, label in enumerate(labels):
        means = {target: mean_over_transfers(grid, label, target) for target in targets}
        known = {target: found for target, found in means.items() if found is not None}
        places = [targets.index(target) + (index - (len(labels) - 1) / 2) * thickness for target in known]
        axes.barh(
            places,
            [mean for mean, _ in known.values()],
            height=thickness * 0.92,
            xerr=[math.nan if std is None else std for _, std in known.values()],
            error_kw={"elinewidth": 0.9, "capsize": 1.8, "ecolor": INK},
            color=colors[index % len(colors)],
            label=drawn_text(label),
        )
    axes.set_yticks(range(len(targets)), [drawn_text(target) for target in targets])
    axes.set_ylim(len(targets) - 0.4, -0.6)
    axes.set_xlabel("score (%)")
    axes.set_title("Score per target")
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)


def mean_over_transfers(grid: Grid, label: str, target: str) -> tuple[float, float | None] | None:
    """The grid's mean over a target's computed cells; its deviation over the seeds that have all of them."""
    cells = {source: cell for (method, source, task), cell in grid.items() if method == label and task == target}
    if not cells:
        return None
    scores = {(target, source, seed): score for source, cell in cells.items() for seed, score in cell.by_seed.items()}
    common = set.intersection(*(set(cell.by_seed) for cell in cells.values()))
    by_seed = [statistics.fmean(cell.by_seed[seed] for cell in cells.values()) for seed in sorted(common)]
    return grid_mean(scores), statistics.stdev(by_seed) if len(by_seed) > 1 else None


def _gain_intervals(axes: Axes, gains: Sequence[MethodGain], targets: Sequence[str]) -> None:
    rows = [*targets, AVERAGE]
    step = 0.6 / max(len(gains), 1)
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.axhline(len(targets) - 0.5, color=INK, linewidth=0.5, alpha=0.4)
    for index, gain in enumerate(gains):
        color = METHOD_COLORS[index % len(METHOD_COLORS)]
        for row, name in enumerate(rows):
            found = gain.total if row == len(targets) else gain.by_target.get(name)
            if found is None:
                continue
            place = row + (index - (len(gains) - 1) / 2) * step
            if found.interval is not None:
                ends = [found.interval.low, found.interval.high]
                axes.plot(ends, [place, place], color=color, linewidth=1.6)
            axes.plot([found.mean], [place], "D" if row == len(targets) else "o", color=color, markersize=4.5)
    axes.set_yticks(range(len(rows)), [drawn_text(row) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("gain over prompt tuning (points)")
    axes.set_title("Transfer gain, mean over transfers")
    axes.grid(axis="x", alpha=0.25)


def metrics_chart(name: str, qualities: Sequence[MetricQuality]) -> Drawing:
    """First similarity within and between groups, then rank correlation with transfer, one dot per target."""
    height = 1.2 + 0.45 * len(qualities)

    def draw(figure: Figure, relatedness: Axes, correlations: Axes) -> Figure:
        _relatedness(relatedness, qualities)
        _correlations(correlations, {quality.metric: quality.first_epoch.by_target for quality in qualities})
        figure.legend(*relatedness.get_legend_handles_labels(), loc="outside upper left", ncols=2)
        return figure

    with mpl.rc_context(STYLE):
        beside = Figure(figsize=(8.4, height), layout="constrained")
        below = Figure(figsize=(STACKED_INCHES, 2 * height), layout="constrained")
        return finish(
            draw(beside, *beside.subplots(1, 2)),
            name,
            "First the mean predicted similarity of different tasks of one type and of two types; two tasks of the "
            "group 'other' are of two types. Then Spearman correlation over the other tasks with PoT's score after "
            "the first epoch; a dot is a target, the bar is the mean over targets.",
            draw(below, *below.subplots(2, 1)),
        )


def _relatedness(axes: Axes, qualities: Sequence[MetricQuality]) -> None:
    for row, quality in enumerate(qualities):
        related = quality.relatedness
        ends = [value for value in (related.between, related.within) if value is not None]
        axes.plot(ends, [row] * len(ends), color=INK, linewidth=0.8, alpha=0.5)
        for value, color, marker, label in (
            (related.within, METHOD_COLORS[1], "o", "same type"),
            (related.between, METHOD_COLORS[4], "s", "different types"),
        ):
            if value is not None:
                named = label in axes.get_legend_handles_labels()[1]
                axes.plot([value], [row], marker, color=color, markersize=6, label=None if named else label)
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
    axes.set_yticks(range(len(names)), [drawn_text(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", alpha=0.25)
