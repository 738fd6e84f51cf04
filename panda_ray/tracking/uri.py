"""Which tracking server a sweep logs to, where a local one keeps its files, and what may be shown of its address.

MLflow is not asked: whoever only needs to know where does not wait for it to be imported.
"""

from __future__ import annotations

from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.execution.store import Store

SQLITE = "sqlite:///"


def tracking_uri_of(storage: str, tracking_uri: str | None) -> str:
    """The tracking URI of a sweep: its own, or a SQLite file in the folder of a local store.

    Raises:
        InputError: for a store that is not on this machine and no URI, and for something that is not a URI.
    """
    if tracking_uri is not None:
        if "://" not in tracking_uri:
            raise InputError(
                f"tracking_uri {tracking_uri!r} is no URI; write http://host:port for a server or "
                f"{SQLITE}{tracking_uri} for a database file"
            )
        return tracking_uri
    folder = Store(storage).local_folder
    if folder is None:
        raise InputError(
            f"storage {storage!r} is not a folder on this machine, so there is no place for a local MLflow database; "
            "set tracking_uri"
        )
    return f"{SQLITE}{folder / 'mlflow.db'}"


def artifact_folder(tracking_uri: str) -> Path | None:
    """Where a SQLite database keeps artifacts: beside itself. A server decides for itself (None)."""
    if not tracking_uri.startswith(SQLITE):
        return None
    return database_of(tracking_uri).parent / "mlflow-artifacts"


def database_of(tracking_uri: str) -> Path:
    """The file of a SQLite database."""
    return Path(tracking_uri.removeprefix(SQLITE).partition("?")[0]).resolve()


def public(tracking_uri: str) -> str:
    """The URI without user and password."""
    scheme, separator, rest = tracking_uri.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
