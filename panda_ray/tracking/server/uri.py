"""Which tracking server a sweep logs to, and where a local one keeps its files.

MLflow is not asked: whoever only needs to know where does not wait for it to be imported.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, unquote

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.secrets import public

ARTIFACTS = "mlflow-artifacts"

_SQLITE = re.compile(r"sqlite(\+pysqlite)?:///", re.IGNORECASE)
_DATABASE = re.compile(r"(postgres(ql)?|mysql|mssql)(\+\w+)?://")
_PLAIN = "/@!$&'()*+,;=:"
"""What RFC 3986 allows in a path besides letters, digits and `-._~`."""

_WAITS = {
    "psycopg": {
        "connect_timeout": "10",
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "30000",
    },
    "pymysql": {"connect_timeout": "10", "read_timeout": "30", "write_timeout": "30"},
    "sqlite": {"timeout": "30"},
}
"""Seconds (`tcp_user_timeout`: milliseconds) that a database's driver waits, by driver. A limit on the statement is not
among them: connection pools such as PgBouncer refuse it."""


def tracking_uri_of(storage: str, tracking_uri: str | None) -> str:
    """The tracking URI of a sweep: its own, or a SQLite file in the folder of a local store.

    Raises:
        InputError: for a store that is not on this machine and no URI, and for something that is not a URI.
    """
    if tracking_uri is not None:
        if "://" not in tracking_uri:
            raise InputError(
                f"tracking_uri {tracking_uri!r} is no URI; write http://host:port for a server or "
                f"{uri_of_database(Path(tracking_uri))} for a database file"
            )
        return tracking_uri
    folder = Store(storage).local_folder
    if folder is None:
        raise InputError(
            f"storage {storage!r} is not a folder on this machine, so there is no place for a local MLflow database; "
            "set tracking_uri"
        )
    return uri_of_database(folder / "mlflow.db")


def is_sqlite(tracking_uri: str) -> bool:
    """Whether it is a database in a file on this machine."""
    return _SQLITE.match(tracking_uri) is not None


def uri_of_database(path: Path) -> str:
    """The URI of a SQLite database; SQLAlchemy ends a path at `?` and reads `%` as the start of a quoted character."""
    return f"sqlite:///{quote(str(path), safe=_PLAIN)}"


def artifact_folder(tracking_uri: str) -> Path | None:
    """Where a SQLite database keeps artifacts: beside itself. A server decides for itself (None)."""
    if not is_sqlite(tracking_uri):
        return None
    return database_of(tracking_uri).parent / ARTIFACTS


def database_of(tracking_uri: str) -> Path:
    """The file of a SQLite database."""
    return Path(unquote(_SQLITE.sub("", tracking_uri, count=1).partition("?")[0])).resolve()


def is_database_server(tracking_uri: str) -> bool:
    """Whether MLflow reaches it through a driver of SQLAlchemy, over a network."""
    return _DATABASE.match(tracking_uri) is not None


def shown(tracking_uri: str) -> str:
    """The URI for messages: without secrets, and of a database without what MLflow needs besides its path."""
    return public(uri_of_database(database_of(tracking_uri)) if is_sqlite(tracking_uri) else tracking_uri)


def mlflow_uri(tracking_uri: str) -> str:
    """The URI as MLflow is given it: with limits on how long a database's driver waits, where the user set none.

    A SQLite database gets its driver's name, because for `sqlite:///` MLflow makes a folder that is called like the
    quoted path before it asks SQLAlchemy, which unquotes it.
    """
    if is_sqlite(tracking_uri):
        options = tracking_uri.partition("?")[2]
        plain = uri_of_database(database_of(tracking_uri)).replace("sqlite", "sqlite+pysqlite", 1)
        tracking_uri = f"{plain}?{options}"
    scheme = tracking_uri.partition("://")[0].lower()
    name, _, driver = scheme.partition("+")
    if name in ("postgres", "postgresql") and driver in ("", "psycopg", "psycopg2"):
        waits = _WAITS["psycopg"]
    elif driver == "pymysql":
        waits = _WAITS["pymysql"]
    elif name == "sqlite":
        waits = _WAITS["sqlite"]
    else:
        return tracking_uri
    address, _, query = tracking_uri.partition("?")
    given = [part for part in query.split("&") if part]
    names = {part.partition("=")[0] for part in given}
    return f"{address}?{'&'.join([*given, *(f'{n}={value}' for n, value in waits.items() if n not in names)])}"
