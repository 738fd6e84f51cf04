"""Where a plan leaves the sources to a metric, and which sources it may take there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.units.cells import Cell, Similarity


class Place(NamedTuple):
    """A backbone, the label of a method, and a target: for all seeds of it the same sources are chosen."""

    backbone: str
    method: str
    target: str

    @classmethod
    def of(cls, cell: Cell) -> Place:
        return cls(cell.backbone, cell.method, cell.target)


def candidates(plan: Plan) -> Mapping[Place, Sequence[Cell]]:
    """The cells that may be chosen at every place, in the order of the sweep file."""
    found: dict[Place, list[Cell]] = defaultdict(list)
    for cell in plan.candidates:
        found[Place.of(cell)].append(cell)
    return found


def pairs(plan: Plan) -> Mapping[Place, Sequence[Similarity]]:
    """The similarities by which one chooses at every place: of each candidate, once for each seed."""
    found: dict[tuple[str, str, str], list[Similarity]] = defaultdict(list)
    for pair in plan.similarities:
        found[pair.backbone, pair.metric, pair.target].append(pair)
    among = {place: {cell.sources[0] for cell in cells} for place, cells in candidates(plan).items()}
    return {
        place: [
            pair for pair in found[place.backbone, plan.chosen_by[place.method], place.target] if pair.source in sources
        ]
        for place, sources in among.items()
    }


def unchosen(plan: Plan) -> list[Place]:
    """Places whose sources are not chosen yet."""
    chosen = {Place.of(cell) for cell in plan.cells}
    return [place for place in candidates(plan) if place not in chosen]


def most(plan: Plan, place: Place) -> int:
    """How many sources the method of a place may take."""
    (choice,) = (section.sources for section in plan.sweep.methods if section.title == place.method)
    assert choice is not None, "a place is of a method that chooses"
    return choice.top
