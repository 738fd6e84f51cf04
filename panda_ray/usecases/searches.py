"""What use cases ask of a search, where a sweep is one; Optuna is needed only then."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.steering import FIXED_PLAN, Steering
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import Catalog
from panda_ray.usecases.engine import check_engine


def steering_of(plan: Plan, catalog: Catalog, store: Store) -> AbstractContextManager[Steering]:
    """Who steers the run of a sweep: its search, or nobody.

    Raises:
        InputError: Optuna is not installed, or the search cannot begin.
    """
    if plan.sweep.search is None:
        return nullcontext(FIXED_PLAN)
    check_engine("a search", "optuna", "search")
    from panda_ray.search.begin import begin_search

    return begin_search(plan, catalog, store)
