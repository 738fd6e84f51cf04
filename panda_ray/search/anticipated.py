"""A search before it runs: a plan with as many points as it will ask for, drawn evenly; Optuna is not needed."""

from __future__ import annotations

from dataclasses import dataclass

from panda_ray.errors import InputError
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.planning.growth import grown, proposal_of
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import Catalog
from panda_ray.search.points import Points, points_of_studies
from panda_ray.search.pruning import first_look
from panda_ray.search.space import Point, all_points, drawn_points, section_of, wanted


@dataclass(frozen=True)
class Anticipated:
    """What a search will take, as far as it can be known before.

    Attributes:
        plan: with the points; all of them of a grid, others drawn evenly, which the sampler need not do.
        studies, points: how many, and points per study.
        most_epochs: of any point.
    """

    plan: Plan
    studies: int
    points: int
    most_epochs: int

    def least_seconds(self, costs: Costs) -> float:
        """Of what is left, if every trial ended where its pruner looks first; with the pruner `none` all of it."""
        looks = first_look(section_of(self.plan.sweep).pruner, self.most_epochs)
        return sum(costs.seconds(stack).seconds * self._share(stack, looks) for stack in self.plan.stacks)

    def _share(self, stack: Stack, looks: int | None) -> float:
        config = stack.members[0].config
        if looks is None or config is None or self.plan.role_of[stack.members[0].key] != "trial":
            return 1.0
        return min(1.0, looks / config.epochs)


def anticipate(plan: Plan, catalog: Catalog, store: Store | None = None) -> Anticipated:
    """What a search may ask for.

    Args:
        plan: of the sweep, without a cell.
        store: whose results count as done.

    Raises:
        InputError: nothing is left to search.
    """
    sweep = plan.sweep
    studies = points_of_studies(sweep, catalog)
    if not studies:
        reasons = "; ".join(reason for _, reason in catalog.skipped)
        raise InputError(f"sweep {sweep.name!r} has nothing left to search: {reasons}")
    chosen = all_points(sweep) if section_of(sweep).sampler == "grid" else drawn_points(sweep, wanted(sweep))
    keys = [key for points in studies for key in _feasible(points, chosen)]
    most = max(points.most_epochs for points in studies)
    return Anticipated(grown(plan, proposal_of(studies[0].graph, keys), store), len(studies), len(chosen), most)


def _feasible(points: Points, chosen: list[Point]) -> list[str]:
    """Units of the points that can be trained."""
    keys = list[str]()
    for point in chosen:
        try:
            keys += points.keys(point)
        except InputError:
            continue
    return keys
