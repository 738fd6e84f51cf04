"""Optuna's storage of a sweep's studies: a SQLite file in a local store, another database, or a journal."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from panda_ray.errors import InputError
from panda_ray.search.warm.finished import FinishedStudy
from panda_ray.secrets import public, redacted

Storage = BaseStorage

FINISHED = "finished"
"""Attribute of a study in which every point has ended; see `FinishedStudy`."""


def open_storage(place: str) -> Storage:
    """The storage at a place, made where there is none.

    Args:
        place: see `studies_place`.

    Raises:
        InputError: it cannot be opened.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # it says of each trial what the display says
    try:
        if "://" in place:
            return RDBStorage(place)
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(place))
    except Exception as error:  # each database's driver has errors of its own
        lines = str(error).splitlines() or [type(error).__name__]
        said = redacted(lines[0], place)
        raise InputError(f"the studies of the search at {public(place)} cannot be opened: {said}") from error


def study_names(storage: Storage) -> frozenset[str]:
    """Names of the studies that have begun."""
    return frozenset(study.study_name for study in storage.get_all_studies())


def finished_studies(storage: Storage) -> list[FinishedStudy]:
    """Of whatever sweeps, in the order in which they were begun."""
    noted = [study.user_attrs.get(FINISHED) for study in storage.get_all_studies()]
    return [FinishedStudy.from_json(said) for said in noted if said is not None]
