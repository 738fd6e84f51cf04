"""Where the studies of a sweep are kept; Optuna is not asked, nor needed, to say so."""

from __future__ import annotations

from urllib.parse import quote, unquote

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.search.space import section_of
from panda_ray.sweep import Sweep

_DATABASE = "search.db"
_BUSY_SECONDS = 60


def studies_place(sweep: Sweep, store: Store) -> str:
    """A database URL as SQLAlchemy takes it, or the path of a journal file; `optuna-dashboard` opens either.

    Raises:
        InputError: the store is on no disk of this machine, and the sweep does not say where its studies are.
    """
    given = section_of(sweep).storage
    if given is not None:
        return given
    if store.local_folder is None:
        raise InputError(
            f"storage {sweep.storage!r} is not a folder on this machine, so there is no place for the studies of a "
            "search; set search.storage to the URL of a database, or to a journal file on a disk"
        )
    return f"sqlite:///{quote(str(store.local_folder.resolve() / _DATABASE))}?timeout={_BUSY_SECONDS}"


def file_of(place: str) -> str | None:
    """The file of studies that are in one, None for a server."""
    if "://" not in place:
        return place
    scheme, _, rest = place.partition(":///")
    return unquote(rest.partition("?")[0]) if scheme.startswith("sqlite") else None
