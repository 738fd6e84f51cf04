"""Figures 1, 2 (left) and 7 as the numbers that they draw: methods, or sources that metrics choose, per backbone."""

from __future__ import annotations

from panda_ray.reports.numbers.tables import other_sources
from panda_ray.reports.reproduction.artefact import MEAN_OF_TARGETS, Artefact
from panda_ray.reports.reproduction.asked import (
    COLLAPSED_NOTE,
    Axes,
    Numbers,
    average,
    collapsed,
    collapsed_of,
    oracle,
)
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table
from panda_ray.reports.reproduction.titles import title
from panda_ray.reports.reproduction.value import Value, best_of, mean_of

_METRICS = ("e_avg", "on", "task_embedding")


def _methods(numbers: Numbers, axes: Axes) -> Table:
    """Averages over the targets; of transfers, that of the source with the best one."""

    def best(backbone: str, method: str) -> Value | None:
        return best_of(average(numbers, backbone, method, source, axes.targets) for source in axes.sources)

    def fell(backbone: str, method: str) -> str:
        return collapsed_of(numbers, (backbone,), method, axes.sources, axes.targets)

    single, transfers = ("model_tuning", "lester", "prompt_tuning"), ("pot", "panda")
    return Table(
        name_columns=("method",),
        columns=axes.backbones,
        lines=(
            *(
                Line(
                    (title(method),),
                    tuple(Entry(average(numbers, name, method, "", axes.targets)) for name in axes.backbones),
                )
                for method in single
            ),
            *(
                Line((f"{title(method)}, best source",), tuple(Entry(best(name, method)) for name in axes.backbones))
                for method in transfers
            ),
            *(
                Line(
                    (f"{title(method)}, collapsed of all sources",),
                    tuple(fell(name, method) for name in axes.backbones),
                )
                for method in transfers
            ),
        ),
        notes=("The best source is chosen by what is shown, so its bar is optimistic.", COLLAPSED_NOTE),
    )


def _chosen(numbers: Numbers, axes: Axes) -> Table:
    """PoT from the source that a metric ranks first for each target, itself left out, averaged over the targets."""

    def cells(backbone: str, metric: str) -> list[Value | None]:
        return [_first(numbers, backbone, metric, axes, target) for target in axes.targets]

    def fell(backbone: str, metric: str) -> str:
        alone = [numbers.score(backbone, "prompt_tuning", "", target) for target in axes.targets]
        return collapsed(cells(backbone, metric), alone)

    def best(backbone: str) -> Value | None:
        return mean_of(oracle(numbers, backbone, "pot", axes.sources, target) for target in axes.targets)

    base = tuple(Entry(average(numbers, name, "prompt_tuning", "", axes.targets)) for name in axes.backbones)
    return Table(
        name_columns=("source chosen by",),
        columns=axes.backbones,
        lines=(
            Line(("no transfer",), base),
            *(Line((title(m),), tuple(Entry(mean_of(cells(name, m))) for name in axes.backbones)) for m in _METRICS),
            Line(("oracle",), tuple(Entry(best(name)) for name in axes.backbones)),
            *(Line((f"{title(m)}, collapsed",), tuple(fell(name, m) for name in axes.backbones)) for m in _METRICS),
        ),
        notes=(COLLAPSED_NOTE,),
    )


def _first(numbers: Numbers, backbone: str, metric: str, axes: Axes, target: str) -> Value | None:
    ranked = {
        source: similarity.mean
        for source in other_sources(axes.sources, target)
        if (similarity := numbers.similarity(backbone, metric, source, target)) is not None
    }
    return numbers.score(backbone, "pot", max(ranked, key=lambda source: ranked[source]), target) if ranked else None


ARTEFACTS = (
    Artefact(
        "figure1",
        "Figures 1 and 2, left: methods by size",
        "paper/figure1",
        _methods,
        chart="bars",
        drawn=MEAN_OF_TARGETS,
    ),
    Artefact(
        "figure7",
        "Figure 7: PoT from the source that a metric ranks first",
        "paper/figure7",
        _chosen,
        chart="bars",
        drawn=MEAN_OF_TARGETS,
    ),
)
