"""How MLflow is reached: with a client that fails fast, and quietly.

Nothing is sent to anyone but the tracking server: MLflow's own telemetry stays off unless the user turned it on.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import sqlalchemy
from mlflow import MlflowClient
from mlflow.tracking._tracking_service import utils

from panda_ray.errors import InputError
from panda_ray.tracking.server.database import create_database, readable, relocate
from panda_ray.tracking.server.patience import Pulse, attended
from panda_ray.tracking.server.uri import database_of, is_database_server, is_sqlite, mlflow_uri, uri_of_database

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # A server that is away must be noticed in seconds, not after MLflow's seven doubling pauses: we retry ourselves.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "20",
    # botocore's own are 60 s, tried five times.
    "AWS_MAX_ATTEMPTS": "2",
}

_NO_POOL = {"MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool"}
"""For SQLite: a connection that is kept writes into a file that was removed, and nobody hears of it."""


def connect(tracking_uri: str, pulse: Pulse | None = None) -> MlflowClient:
    """A client that fails fast and logs little; a SQLite database is made if there is none.

    Args:
        pulse: beats at each answer of the client.

    Raises:
        Exception: of MLflow, SQLAlchemy, a database's driver or the system; see `trouble.py`.
    """
    _configure(tracking_uri)
    if is_sqlite(tracking_uri):
        create_database(database_of(tracking_uri))
        _relocate(database_of(tracking_uri))
    return _client(tracking_uri, pulse)


def connect_to_read(tracking_uri: str, pulse: Pulse | None = None) -> MlflowClient:
    """Likewise, for what exists. A SQLite database that cannot be written is read from a copy.

    Raises:
        InputError: for a SQLite database that does not exist.
    """
    _configure(tracking_uri)
    if is_sqlite(tracking_uri):
        path = database_of(tracking_uri)
        if not path.exists() or not path.stat().st_size:
            raise InputError(
                f"there is no MLflow database {path}; `panda-ray run` makes it, and `panda-ray track` makes it anew "
                "from the store"
            )
        if (there := readable(path)) != path:
            return _client(uri_of_database(there), pulse)
        _relocate(path)
    return _client(tracking_uri, pulse)


def _relocate(path: Path) -> None:
    if relocate(path):
        utils._artifact_repos_cache.clear()  # MLflow remembers for the whole process where a run's files were


def _client(tracking_uri: str, pulse: Pulse | None) -> MlflowClient:
    address = mlflow_uri(tracking_uri)
    if is_database_server(tracking_uri):
        _knock(address)
    client = MlflowClient(address)
    return client if pulse is None else attended(client, pulse)


def _knock(address: str) -> None:
    """Connect once: MLflow tries ten times before it says that nobody is there, for 100 seconds."""
    engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT 1"))


def _configure(tracking_uri: str) -> None:
    for name, value in (_ENVIRONMENT | (_NO_POOL if is_sqlite(tracking_uri) else {})).items():
        os.environ.setdefault(name, value)
    for logger in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(logger).setLevel(logging.ERROR)
