"""Which figures a backbone's section has, given what was computed."""

from __future__ import annotations

from collections.abc import Iterator

from panda_ray.foreign_text import file_name
from panda_ray.reports.figures.charts import methods_chart, metrics_chart
from panda_ray.reports.figures.drawing import Drawing
from panda_ray.reports.figures.heatmaps import gain_map, similarity_map
from panda_ray.reports.figures.search_charts import study_chart
from panda_ray.reports.html_page.render import Section
from panda_ray.reports.numbers.analysis import Analysis

MOST_STUDIES = 24
"""Of a backbone, that have a figure."""


def section_of(analysis: Analysis) -> Section:
    """All figures of one backbone."""
    suffix = file_name(analysis.backbone)
    return Section(
        analysis=analysis,
        methods=_methods(analysis, f"methods_{suffix}"),
        gains=_gains(analysis, f"gain_{suffix}"),
        similarities=tuple(_similarities(analysis, suffix)),
        metrics=metrics_chart(f"metrics_{suffix}", analysis.qualities) if analysis.qualities else None,
        studies=tuple(_studies(analysis, suffix)),
    )


def _studies(analysis: Analysis, suffix: str) -> Iterator[Drawing]:
    searched = analysis.searched
    if searched is None:
        return
    for study in searched.studies[:MOST_STUDIES]:
        _, method, sources, target = study.standing.address
        named = file_name("_".join((method, *sources, target)))
        yield study_chart(f"search_{named}_{suffix}", study, searched.section.space)


def _methods(analysis: Analysis, name: str) -> Drawing | None:
    if analysis.baseline is None or not analysis.gains:
        return None
    return methods_chart(name, analysis.grid, analysis.baseline, analysis.gains, analysis.targets)


def _gains(analysis: Analysis, name: str) -> Drawing | None:
    single = analysis.single_sources
    by_method = {
        gain.method: {(each.sources, each.target): each.mean for each in gain.transfers if each.sources in single}
        for gain in analysis.gains
    }
    gains = {method: values for method, values in by_method.items() if values}
    if not gains:
        return None
    return gain_map(name, gains, single, analysis.targets, analysis.groups)


def _similarities(analysis: Analysis, suffix: str) -> list[Drawing]:
    return [
        similarity_map(
            f"similarity_{file_name(metric)}_{suffix}",
            f"similarity by {metric}",
            ranking,
            analysis.sources,
            analysis.targets,
            analysis.groups,
        )
        for metric, ranking in analysis.rankings.items()
        if analysis.distinguishes(metric)
    ]
