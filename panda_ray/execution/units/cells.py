"""What a sweep asks for: cells (one score each) and similarities (one number per pair and metric)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from panda_ray.execution.units.catalog import Catalog
from panda_ray.execution.units.graph import Graph
from panda_ray.sweep import Sweep


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry of the grid.

    Attributes:
        method: label of the method in the sweep file.
        source: donor task; None for a method without transfer.
        key: of the unit whose score fills the cell; several cells may share a unit.
    """

    backbone: str
    method: str
    source: str | None
    target: str
    seed: int
    key: str


@dataclass(frozen=True, slots=True)
class Similarity:
    """The predicted transferability of one pair: the comparison of two signatures.

    Attributes:
        metric: label of the metric in the sweep file.
        source_key, target_key: signature units; None for a metric without signatures.
    """

    backbone: str
    metric: str
    source: str
    target: str
    seed: int
    source_key: str | None
    target_key: str | None


def list_cells(sweep: Sweep, graph: Graph, catalog: Catalog) -> tuple[Cell, ...]:
    """Every cell of a sweep, its units added to the graph: by backbone, seed, method, target, source."""
    cells = []
    sources_of = _sources_of(sweep, catalog)
    for backbone, seed, section in product(catalog.backbones, sweep.seeds, sweep.methods):
        uses_source = graph.methods[section.title].method.uses_source
        for target, sources in sources_of.items():
            for source in sources if uses_source else (None,):
                key = graph.cell(backbone, section.title, source, target, seed)
                cells.append(Cell(backbone, section.title, source, target, seed, key))
    return tuple(cells)


def list_similarities(sweep: Sweep, graph: Graph, catalog: Catalog) -> tuple[Similarity, ...]:
    """Every pair under every metric, its signatures added to the graph."""
    similarities = []
    sources_of = _sources_of(sweep, catalog)
    for backbone, seed, (label, recipe) in product(catalog.backbones, sweep.seeds, graph.metrics.items()):
        for target, sources in sources_of.items():
            target_key = graph.signature(recipe, backbone, target, seed)
            for source in sources:
                source_key = graph.signature(recipe, backbone, source, seed)
                similarities.append(Similarity(backbone, label, source, target, seed, source_key, target_key))
    return tuple(similarities)


def _sources_of(sweep: Sweep, catalog: Catalog) -> Mapping[str, Sequence[str]]:
    """The sources of every target, both in the order of the sweep file, without tasks whose rows are absent."""
    present = [task for task in sweep.sources if task in catalog.data]
    return {
        target: [source for source in present if sweep.self_pairs == "run" or source != target]
        for target in sweep.targets
        if target in catalog.data
    }
