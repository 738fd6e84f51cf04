"""What a sweep asks for: cells (one score each) and similarities (one number per pair and metric)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from panda_ray.execution.units.catalog import Catalog
from panda_ray.execution.units.graph import Graph
from panda_ray.methods import Sources
from panda_ray.sweep import Sweep


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry of the grid.

    Attributes:
        method: label of the method in the sweep file.
        sources: donor tasks; none for a method without transfer, several for one that fuses them.
        key: of the unit whose score fills the cell; several cells may share a unit.
    """

    backbone: str
    method: str
    sources: tuple[str, ...]
    target: str
    seed: int
    key: str


@dataclass(frozen=True, slots=True)
class Similarity:
    """The predicted transferability of one pair: the comparison of two embeddings, or what was judged of the pair.

    Attributes:
        metric: label of the metric in the sweep file.
        source_key, target_key: embedding units; None for a metric without embeddings. Of a metric that judges pairs the
            first is the pair's, and there is no second.
    """

    backbone: str
    metric: str
    source: str
    target: str
    seed: int
    source_key: str | None
    target_key: str | None


def list_cells(sweep: Sweep, graph: Graph, catalog: Catalog) -> tuple[Cell, ...]:
    """Every cell of a sweep, its units added to the graph: by backbone, seed, method, target, sources.

    Cells whose sources a metric chooses are not known before it is.
    """
    entries = sources_by_target(sweep, catalog)
    places = {
        label: [
            (target, sources)
            for target, entry in entries[recipe.method.sources].items()
            for sources in entry
            if recipe.takes(sources, target)
        ]
        for label, recipe in graph.methods.items()
    }
    fixed = [section.title for section in sweep.methods if section.sources is None]
    return tuple(
        Cell(backbone, label, sources, target, seed, graph.cell(backbone, label, sources, target, seed))
        for backbone, seed, label in product(catalog.backbones, sweep.seeds, fixed)
        for target, sources in places[label]
    )


def list_candidates(sweep: Sweep, graph: Graph, catalog: Catalog) -> tuple[Cell, ...]:
    """Every cell that a metric chooses among, in the same order, its units added to the graph.

    A task is no source for itself where a metric chooses.
    """
    pairs = [
        (target, source)
        for target, entry in sources_by_target(sweep, catalog)["one"].items()
        for (source,) in entry
        if source != target
    ]
    choosing = [section.title for section in sweep.methods if section.sources is not None]
    return tuple(
        Cell(backbone, label, (source,), target, seed, graph.cell(backbone, label, (source,), target, seed))
        for backbone, seed, label in product(catalog.backbones, sweep.seeds, choosing)
        for target, source in pairs
        if graph.methods[label].takes((source,), target)
    )


def sources_by_target(sweep: Sweep, catalog: Catalog) -> dict[Sources, Mapping[str, Sequence[tuple[str, ...]]]]:
    """The sources of every target, by how many of them a method takes."""
    listed: dict[Sources, list[tuple[str, ...]]] = {
        "none": [()],
        "one": [(task,) for task in sweep.single_sources],
        "several": sweep.source_lists,
    }
    return {takes: _by_target(sweep, catalog, of) for takes, of in listed.items()}


def list_similarities(sweep: Sweep, graph: Graph, catalog: Catalog) -> tuple[Similarity, ...]:
    """Every pair under every metric, its embeddings added to the graph; tasks of a list of sources count one by one."""
    similarities = []
    sources_of = _by_target(sweep, catalog, [(task,) for task in sweep.source_tasks])
    for backbone, seed, (label, recipe) in product(catalog.backbones, sweep.seeds, graph.metrics.items()):
        for target, sources in sources_of.items():
            for (source,) in sources:
                source_key, target_key = graph.embeddings(recipe, backbone, source, target, seed)
                similarities.append(Similarity(backbone, label, source, target, seed, source_key, target_key))
    return tuple(similarities)


def _by_target(
    sweep: Sweep, catalog: Catalog, listed: Iterable[tuple[str, ...]]
) -> Mapping[str, Sequence[tuple[str, ...]]]:
    """The entries of every target, both in the order of the sweep file, without tasks whose rows are absent."""
    present = [sources for sources in listed if all(source in catalog.data for source in sources)]
    return {
        target: [sources for sources in present if sweep.self_pairs == "run" or target not in sources]
        for target in sweep.targets
        if target in catalog.data
    }
