"""What use cases ask of what grows while it runs: a search, for which Optuna is needed, or sources that are chosen."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from panda_ray.choosing.choice_places import unchosen
from panda_ray.choosing.chooser import Chooser, with_chosen
from panda_ray.choosing.source_steering import Choosing
from panda_ray.execution.events import RunSummary
from panda_ray.execution.planning.plan import Plan, plan_from
from panda_ray.execution.steering import FIXED_PLAN, Steering
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import Catalog, read_catalog
from panda_ray.search.trials import StudyStanding
from panda_ray.secrets import public
from panda_ray.sweep import Sweep
from panda_ray.tracking.searched import Searched, SearchedStudy
from panda_ray.usecases.engine import check_engine

Standings = Callable[[], Sequence[StudyStanding]]


def known_plan(sweep: Sweep, store: Store) -> tuple[Plan, tuple[StudyStanding, ...]]:
    """The plan of a sweep as far as points and sources are chosen, with how the studies of a search stand.

    Raises:
        InputError: for what cannot be planned, or Optuna is not installed and needed.
    """
    catalog = read_catalog(sweep)
    plan = plan_from(sweep, store, catalog)
    if sweep.search is None:
        return with_chosen(plan, catalog, store), ()
    check_engine("a look at a search", "optuna", "search")
    from panda_ray.search.known import look_at_search

    known = look_at_search(plan, catalog, store)
    return known.plan, known.standings


def steering_of(plan: Plan, catalog: Catalog, store: Store) -> AbstractContextManager[Steering]:
    """Who steers the run of a sweep: its search, the choice of its sources, or nobody.

    Args:
        plan: with the sources that are chosen already.

    Raises:
        InputError: Optuna is not installed, or the search cannot begin.
    """
    if plan.sweep.search is None:
        chooser = Chooser(plan, catalog) if plan.chosen_by else None
        return nullcontext(Choosing(chooser, lambda place: chooser.chosen(place, store)) if chooser else FIXED_PLAN)
    check_engine("a search", "optuna", "search")
    from panda_ray.search.begin import begin_search

    return begin_search(plan, catalog, store)


def has_reached_all(summary: RunSummary, studies: Sequence[StudyStanding]) -> bool:
    """Whether a run has brought all that its sweep is for.

    Every unit has its result, and all sources are chosen; of a search, where points may fail, every study has chosen
    one.
    """
    if not studies:
        return summary.complete and not unchosen(summary.plan)
    chosen = all(study.complete and study.best is not None for study in studies)
    return chosen and summary.interrupted is None


def searched_by(standings: Standings, sweep: Sweep) -> Callable[[], Searched | None]:
    """What a search has tried whenever it is asked, in the thread that it runs in; nothing of what is no search."""
    if sweep.search is None:
        return lambda: None
    from panda_ray.search.in_optuna.optuna_importances import importances
    from panda_ray.search.space import is_whole

    section = sweep.search
    whole = [name for name in section.space if is_whole(sweep, name)]

    def tried() -> Searched:
        studies = (SearchedStudy(each, importances(section.space, whole, each.trials)) for each in standings())
        return Searched(section, tuple(studies))

    return tried


def dashboard_command(sweep: Sweep) -> str | None:
    """What opens optuna-dashboard on the studies of a sweep; None where it is no search."""
    if sweep.search is None:
        return None
    from panda_ray.search.places import studies_place

    return shlex.join(["optuna-dashboard", public(studies_place(sweep, Store(sweep.storage)))])


def standings_of(steered: object) -> Standings:
    """How the studies of a search stand, whenever it is asked; there are none without one."""
    from panda_ray.search.searching import Searching

    return lambda: steered.standings if isinstance(steered, Searching) else ()
