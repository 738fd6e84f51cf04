"""What a sweep asks for: cells (one score each) and similarities (one number per pair and metric)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from panda_ray.execution.catalog import Catalog
from panda_ray.execution.graph import Graph
from panda_ray.sweep import Sweep


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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
    for backbone, seed, section in product(catalog.backbones, sweep.seeds, sweep.methods):
        uses_source = graph.methods[section.title].method.uses_source
        for target in _present(sweep.targets, catalog):
            for source in _sources(sweep, catalog, target) if uses_source else (None,):
                key = graph.cell(backbone, section.title, source, target, seed)
                cells.append(Cell(backbone, section.title, source, target, seed, key))
    return tuple(cells)


def list_similarities(sweep: Sweep, graph: Graph, catalog: Catalog) -> tuple[Similarity, ...]:
    """Every pair under every metric, its signatures added to the graph."""
    similarities = []
    for backbone, seed, (label, recipe) in product(catalog.backbones, sweep.seeds, graph.metrics.items()):
        for target in _present(sweep.targets, catalog):
            target_key = graph.signature(recipe, backbone, target, seed)
            for source in _sources(sweep, catalog, target):
                source_key = graph.signature(recipe, backbone, source, seed)
                similarities.append(Similarity(backbone, label, source, target, seed, source_key, target_key))
    return tuple(similarities)


def _present(tasks: Sequence[str], catalog: Catalog) -> list[str]:
    return [task for task in tasks if task in catalog.data]


def _sources(sweep: Sweep, catalog: Catalog, target: str) -> list[str]:
    return [task for task in _present(sweep.sources, catalog) if sweep.self_pairs == "run" or task != target]
