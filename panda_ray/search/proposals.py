"""What studies ask for, as growth of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from panda_ray.execution.planning.growth import Proposal
from panda_ray.execution.units.cells import Cell
from panda_ray.execution.units.graph import Graph
from panda_ray.search.points import Points


def proposal_of(graph: Graph, keys: Iterable[str], cells: Sequence[Cell] = ()) -> Proposal:
    """Units with all that they need; those of cells fill them from now on."""
    units = graph.with_needed([*keys, *(cell.key for cell in cells)])
    return Proposal(
        units=units,
        role_of={key: graph.role_of[key] for key in units} | dict.fromkeys((cell.key for cell in cells), "cell"),
        label_of={key: graph.label_of[key] for key in units} | {cell.key: cell.method for cell in cells},
        cells=tuple(cells),
    )


def cells_of(points: Points, keys: Sequence[str]) -> list[Cell]:
    """The cells of a study, filled with the units of one point."""
    return [Cell(*points.address, seed, key) for seed, key in zip(points.sweep.seeds, keys, strict=False)]
