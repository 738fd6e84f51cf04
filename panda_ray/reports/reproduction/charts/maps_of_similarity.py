"""Figures 5 and 9: the similarity of every two tasks, and how well it foretells what a source gives after one epoch."""

from __future__ import annotations

from collections.abc import Mapping

from panda_ray.reports.numbers.transferability import correlation
from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes, Numbers
from panda_ray.reports.reproduction.paper_table import Entry, Line, Table
from panda_ray.reports.reproduction.titles import title
from panda_ray.reports.reproduction.value import Value, per_seed


def _map(numbers: Numbers, axes: Axes) -> Table:
    """Of the first backbone and the first metric."""
    backbone, metric = axes.backbones[0], axes.metrics[0]
    return Table(
        name_columns=("source",),
        columns=axes.targets,
        lines=tuple(
            Line((source,), tuple(Entry(numbers.similarity(backbone, metric, source, t), 2) for t in axes.targets))
            for source in axes.sources
        ),
        groups=axes.groups,
    )


def _foretold(numbers: Numbers, axes: Axes) -> Table:
    return Table(
        name_columns=("metric",),
        columns=axes.backbones,
        lines=tuple(
            Line((title(metric),), tuple(Entry(_spearman(numbers, name, metric, axes), 2) for name in axes.backbones))
            for metric in axes.metrics
        ),
        notes=(
            "Spearman's rank correlation over the sources of a target, itself left out, of similarity and PoT's score "
            "after its first epoch; the mean over the targets.",
        ),
    )


def _spearman(numbers: Numbers, backbone: str, metric: str, axes: Axes) -> Value | None:
    """Over the pairs that have both numbers."""
    known: dict[tuple[str, tuple[str, str]], Value] = {}
    for pair in ((source, target) for target in axes.targets for source in axes.sources if source != target):
        similarity = numbers.similarity(backbone, metric, *pair)
        reached = numbers.first_epoch(backbone, "pot", *pair)
        if similarity is not None and reached is not None:
            known |= {("similarity", pair): similarity, ("reached", pair): reached}

    def mean(values: Mapping[tuple[str, tuple[str, str]], float]) -> float | None:
        ranking, outcome = (
            {pair: value for (of, pair), value in values.items() if of == wanted}
            for wanted in ("similarity", "reached")
        )
        return correlation(ranking, outcome).mean

    return per_seed(known, mean)


ARTEFACTS = (
    Artefact(
        "figure5",
        "Figure 5 (4): how well a metric ranks the sources",
        "paper/figure5",
        _foretold,
        chart="bars",
        drawn="Spearman's correlation",
    ),
    Artefact(
        "figure9",
        "Figures 5 (1-3) and 9: similarity",
        "paper/figure9",
        _map,
        per=("backbones", "metrics"),
        chart="map",
    ),
)
