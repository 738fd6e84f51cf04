"""A search from its sweep: its studies in Optuna's storage, each checked against what it was begun with."""

from __future__ import annotations

from panda_ray.errors import InputError
from panda_ray.execution.planning.changes import differences
from panda_ray.execution.planning.packing import widest
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.canonical import digest
from panda_ray.execution.units.catalog import Catalog
from panda_ray.search.in_optuna.optuna_storage import Storage, finished_studies, open_storage
from panda_ray.search.in_optuna.optuna_study import OptunaStudy
from panda_ray.search.places import studies_place
from panda_ray.search.points import Points, points_of_studies
from panda_ray.search.searching import Searching
from panda_ray.search.space import is_whole, section_of, wanted
from panda_ray.search.study_search import StudySearch
from panda_ray.search.warm.warm_start import WarmStart, warm_start
from panda_ray.secrets import public
from panda_ray.sweep.search_section import RangeSection


def begin_search(plan: Plan, catalog: Catalog, store: Store) -> Searching:
    """The steering of a sweep's search.

    Args:
        plan: of the sweep, without a cell.

    Raises:
        InputError: the storage cannot be opened or has studies of another space, or nothing is left to search.
    """
    sweep, place = plan.sweep, studies_place(plan.sweep, store)
    studies = points_of_studies(sweep, catalog)
    for points in studies:
        _check(points)
    lease = f"search {digest([sweep.name, place])}"  # a place may hold a password
    with store.leases.alone(f"{lease} opened"):  # two that make the tables of one database disturb each other
        storage = open_storage(place)
    searches = [_search(points, plan, storage, store) for points in studies]
    return Searching(lease, searches, plan, store)


def _search(points: Points, plan: Plan, storage: Storage, store: Store) -> StudySearch:
    study = open_study(points, storage)
    _check_setting(study, points, studies_place(plan.sweep, store))
    section = section_of(points.sweep)

    def found() -> WarmStart:
        return warm_start(points, plan, finished_studies(storage), store)

    find_warm = found if section.warm_start == "similar" else None
    prunes = section.pruner != "none"
    return StudySearch(study, points, wanted(points.sweep), _generation(points), prunes, find_warm)


def study_name(points: Points) -> str:
    """In Optuna's storage, which several sweeps may share."""
    return f"{points.sweep.name}: {points.address.title}"


def open_study(points: Points, storage: Storage) -> OptunaStudy:
    """A study, which begins where there is none."""
    section = section_of(points.sweep)
    whole = [key for key in section.space if is_whole(points.sweep, key)]
    return OptunaStudy(storage, study_name(points), section, whole, points.most_epochs)


def _generation(points: Points) -> int:
    """Points to ask for at a time: a stack of them, by the width that stacks have under the settings of the sweep.

    Nothing is learnt in a grid, so it is one generation.
    """
    if section_of(points.sweep).sampler == "grid":
        return wanted(points.sweep)
    width = widest(points.unvaried, points.sweep.resources.max_stack, {})
    assert width is not None, "a trial is a training"
    return max(1, width // len(points.sweep.seeds))


def _check(points: Points) -> None:
    """Whether each value of a list can be trained with alone, and whether a pruner has epochs to look at."""
    section = section_of(points.sweep)
    for name, dimension in section.space.items():
        for value in () if isinstance(dimension, RangeSection) else dimension:
            try:
                points.keys({name: value})
            except InputError as error:
                raise InputError(f"search.space.{name}: {error}") from error
    if section.pruner != "none" and points.config.max_steps is not None:
        raise InputError(
            f"search.pruner {section.pruner!r}: pruning is refused where a cell of the paper protocol is trained, and "
            f"{points.address.method} trains for a fixed number of steps on {points.address.target}; use 'none'"
        )


def _check_setting(study: OptunaStudy, points: Points, place: str) -> None:
    """Whether a study goes on under the settings that its values were found under; a new one notes them."""
    now = points.setting()
    if (noted := study.setting) is None:
        study.setting = now
    elif noted != now:
        changes = [f"{setting} was {stored}, is {new}" for setting, stored, new in differences(noted, now)]
        what = "; ".join(changes) or "what its trainings build on is computed from other settings"
        raise InputError(
            f"the study of {points.address.title} in {public(place)} was begun under other settings: {what}. Its "
            "values cannot be compared with new ones: give the sweep another `name` or `search.storage` (what is "
            "trained already is found again), or change the settings back"
        )
