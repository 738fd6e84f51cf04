"""How a search stands, for those who only look: its storage is read where there is one, and nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from panda_ray.execution.planning.growth import grown, proposal_of
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import Catalog
from panda_ray.execution.units.cells import Cell
from panda_ray.search.begin import open_study, study_name
from panda_ray.search.in_optuna.optuna_storage import Storage, open_storage, study_names
from panda_ray.search.places import file_of, studies_place
from panda_ray.search.points import Points, points_of_studies
from panda_ray.search.space import wanted
from panda_ray.search.trials import StudyStanding


@dataclass(frozen=True)
class Known:
    """A search as its storage and its store know it.

    Attributes:
        plan: with every trial that can be trained, and the cells of the studies that are over.
    """

    plan: Plan
    standings: tuple[StudyStanding, ...]


def look_at_search(plan: Plan, catalog: Catalog, store: Store) -> Known:
    """Look at a search; works beside a running one and after it.

    Args:
        plan: of the sweep, without a cell.

    Raises:
        InputError: the storage cannot be opened.
    """
    sweep, place = plan.sweep, studies_place(plan.sweep, store)
    studies = points_of_studies(sweep, catalog)
    file = file_of(place)
    if file is not None and not Path(file).is_file():
        return Known(plan, tuple(StudyStanding(points.address, (), wanted(sweep)) for points in studies))
    storage = open_storage(place)
    begun = study_names(storage)
    standings, keys, cells = list[StudyStanding](), list[str](), list[Cell]()
    for points in studies:
        standing = _standing(points, storage if study_name(points) in begun else None)
        tried = (trial for trial in standing.trials if trial.state != "failed")
        keys += [key for trial in tried for key in points.keys(trial.point)]
        if standing.complete and standing.best is not None:
            cells += points.cells(points.keys(standing.best.point))
        standings.append(standing)
    return Known(grown(plan, proposal_of(studies[0].graph, keys, cells), store), tuple(standings))


def _standing(points: Points, storage: Storage | None) -> StudyStanding:
    """Of a study; one that was begun under other settings is not this sweep's."""
    nothing = StudyStanding(points.address, (), wanted(points.sweep))
    if storage is None or (study := open_study(points, storage)).setting != points.setting():
        return nothing
    tried = tuple(trial for trial in study.trials() if not trial.repeats)
    return StudyStanding(points.address, tried, wanted(points.sweep), study.ended, study.warm or ())
