"""Which sources the similarities in a store choose, and the cells that follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from panda_ray.choosing.choice_places import Place, candidates, most, pairs, unchosen
from panda_ray.choosing.ranking import mean_similarities, ranked
from panda_ray.execution.planning.growth import Proposal, grown, proposal_of
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import Catalog
from panda_ray.execution.units.cells import Cell
from panda_ray.execution.units.graph import Graph
from panda_ray.execution.work.similarity import compared


class Chooser:
    """Chooses sources for the places of a plan.

    Args:
        catalog: that the plan was made from.
    """

    def __init__(self, plan: Plan, catalog: Catalog) -> None:
        self.plan, self._graph = plan, Graph(plan.sweep, catalog)
        self.candidates, self._pairs = candidates(plan), pairs(plan)

    def needed(self, place: Place) -> frozenset[str]:
        """Embeddings without which nothing is chosen for a place."""
        keys = (key for pair in self._pairs[place] for key in (pair.source_key, pair.target_key))
        return frozenset(key for key in keys if key is not None)

    def chosen(self, place: Place, store: Store) -> list[Cell]:
        """Cells of the sources that rank highest; none while a similarity is missing, so that no failure has a say."""
        values = compared(self._pairs[place], self.plan.metrics, store)
        if len(values) < len(self._pairs[place]):
            return []
        return self.of_sources(place, ranked(mean_similarities(values))[: most(self.plan, place)])

    def of_sources(self, place: Place, sources: Collection[str]) -> list[Cell]:
        """The cells of a place that have these sources: one for each, or one with all of them where the method mixes
        several, in the order of the sweep file."""
        cells = [cell for cell in self.candidates[place] if cell.sources[0] in sources]
        return self._together(cells) if self.mixes(place) else cells

    def mixes(self, place: Place) -> bool:
        """Whether a cell of a place takes all that is chosen, instead of one source each."""
        return self._graph.methods[place.method].method.sources == "several"

    def _together(self, cells: Sequence[Cell]) -> list[Cell]:
        """Of each seed, one cell with the sources of all."""
        of_seeds: dict[int, list[Cell]] = defaultdict(list)
        for cell in cells:
            of_seeds[cell.seed].append(cell)
        mixed = []
        for each in of_seeds.values():
            sources, first = tuple(cell.sources[0] for cell in each), each[0]
            key = self._graph.cell(first.backbone, first.method, sources, first.target, first.seed)
            mixed.append(replace(first, sources=sources, key=key))
        return mixed

    def proposal(self, cells: Sequence[Cell]) -> Proposal:
        """Cells as growth of the plan."""
        for cell in cells:
            self._graph.cell(cell.backbone, cell.method, cell.sources, cell.target, cell.seed)
        return proposal_of(self._graph, (), cells)


def with_chosen(plan: Plan, catalog: Catalog, store: Store) -> Plan:
    """A plan with the cells of every place whose similarities are in the store; the same one where there is no place.

    Args:
        catalog: that the plan was made from.
    """
    if not plan.chosen_by:
        return plan
    chooser = Chooser(plan, catalog)
    known = [place for place in unchosen(plan) if plan.done.issuperset(chooser.needed(place))]
    cells = [cell for place in known for cell in chooser.chosen(place, store)]
    return grown(plan, chooser.proposal(cells), store)
