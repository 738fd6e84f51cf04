"""A sweep whose sources are not all chosen yet, before it runs: how much it will train, and what choosing saves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from panda_ray.choosing.choice_places import Place, most, unchosen
from panda_ray.choosing.chooser import Chooser, with_chosen
from panda_ray.choosing.source_steering import Choosing
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.planning.growth import grown
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import Catalog
from panda_ray.execution.units.cells import Cell
from panda_ray.methods import get_method


@dataclass(frozen=True)
class Share:
    """Of one method, the pairs of a source and a target that are trained, and how many there are.

    Attributes:
        unchosen: targets whose sources are not chosen yet, once for each backbone.
    """

    pairs: int
    of: int
    unchosen: int


@dataclass(frozen=True)
class Anticipated:
    """What will be trained, as far as it can be known before.

    Attributes:
        plan: with all that may be left: where nothing is chosen yet, it has the sources with the most cells to train.
        shares: by label of the method.
        fewest, most: cells of these methods that are left, whichever sources are chosen.
        chooser: of the plan as it is now.
        expected: cells of places where nothing is chosen yet, as `plan` has them.
    """

    plan: Plan
    shares: Mapping[str, Share]
    fewest: int
    most: int
    chooser: Chooser
    expected: Mapping[Place, list[Cell]]

    def steering(self) -> Choosing:
        """Makes the plan as it is now grow to this one, once the embeddings are done: for a simulation."""
        done = self.plan.done
        return Choosing(self.chooser, lambda place: [cell for cell in self.expected[place] if cell.key not in done])


def anticipate_choices(plan: Plan, catalog: Catalog, store: Store) -> Anticipated:
    """What a sweep will train when its sources are chosen.

    Args:
        plan: of the sweep, without such a cell.
        catalog: that the plan was made from.
        store: whose results count as done.
    """
    chooser = Chooser(with_chosen(plan, catalog, store), catalog)
    places = unchosen(chooser.plan)
    done = store.done_among({cell.key for place in places for cell in chooser.candidates[place]})
    fewest = sum(cell.method in plan.chosen_by and cell.key not in chooser.plan.done for cell in chooser.plan.cells)
    largest = fewest
    expected: dict[Place, list[Cell]] = {}
    for place in places:
        top = most(plan, place)
        if chooser.mixes(place):
            listed = dict.fromkeys(cell.sources[0] for cell in chooser.candidates[place])
            expected[place] = chooser.of_sources(place, list(listed)[:top])
            fewest, largest = fewest + len(expected[place]), largest + len(expected[place])
            continue
        left = _left(chooser.candidates[place], done)
        by_work = sorted(left, key=lambda source: -left[source])
        fewest += sum(left[source] for source in by_work[-top:])
        largest += sum(left[source] for source in by_work[:top])
        expected[place] = chooser.of_sources(place, by_work[:top])
    whole = grown(chooser.plan, chooser.proposal([cell for cells in expected.values() for cell in cells]), store)
    return Anticipated(whole, _shares(whole, places), fewest, largest, chooser, expected)


def seconds_of_all(plan: Plan, catalog: Catalog, store: Store, costs: Costs) -> float | None:
    """What is left of the same sweep if all sources were trained, as if its stacks ran one by one.

    None where a method mixes what is chosen: it has as many cells either way.
    """
    sweep = plan.sweep
    if any(get_method(section.method).sources == "several" for section in sweep.methods if section.sources):
        return None
    methods = [section.model_copy(update={"sources": None}) for section in sweep.methods]
    full = plan_from(sweep.model_copy(update={"methods": methods}), store, catalog)
    return sum(costs.seconds(stack).seconds for stack in full.stacks)


def _left(cells: Iterable[Cell], done: Collection[str]) -> Counter[str]:
    """Cells without a result, by source."""
    left: Counter[str] = Counter()
    for cell in cells:
        left[cell.sources[0]] += cell.key not in done
    return left


def _pairs(cells: Iterable[Cell], label: str) -> set[tuple[str, str, str]]:
    """The pairs of a method's cells, once for all seeds: backbone, source, target."""
    return {(cell.backbone, source, cell.target) for cell in cells if cell.method == label for source in cell.sources}


def _shares(plan: Plan, places: Collection[Place]) -> dict[str, Share]:
    shares = {}
    for label in plan.chosen_by:
        trained, of = _pairs(plan.cells, label), _pairs(plan.candidates, label)
        shares[label] = Share(len(trained), len(of), sum(place.method == label for place in places))
    return shares
