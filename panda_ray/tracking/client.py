"""How MLflow is reached: with a client that fails fast, and quietly.

Nothing is sent to anyone but the tracking server: MLflow's own telemetry stays off unless the user turned it on.
"""

from __future__ import annotations

import logging
import os

from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from panda_ray.errors import InputError
from panda_ray.tracking.database import create_database
from panda_ray.tracking.uri import SQLITE, artifact_folder, database_of, public

LONGEST_CAUSE = 160

UNREACHABLE = (MlflowException, SQLAlchemyError, OSError)
"""What a tracking server that is away, overloaded or full makes MLflow raise."""

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # A server that is away must be noticed in seconds, not after MLflow's seven doubling pauses: we retry ourselves.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


def connect(tracking_uri: str) -> MlflowClient:
    """A client that fails fast and logs little; a SQLite database is made if there is none."""
    _configure()
    if tracking_uri.startswith(SQLITE):
        create_database(database_of(tracking_uri))
    return MlflowClient(tracking_uri)


def connect_to_read(tracking_uri: str) -> MlflowClient:
    """Likewise, for what exists.

    Raises:
        InputError: for a SQLite database that does not.
    """
    if tracking_uri.startswith(SQLITE) and not database_of(tracking_uri).exists():
        raise InputError(f"there is no MLflow database {database_of(tracking_uri)}; run the sweep first")
    return connect(tracking_uri)


def _configure() -> None:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for logger in ("mlflow", "alembic", "urllib3"):
        logging.getLogger(logger).setLevel(logging.ERROR)


def cause(error: Exception, tracking_uri: str) -> str:
    """An error's first words for people, without the password that it may quote."""
    words = str(error).split("\n", maxsplit=1)[0].replace(tracking_uri, public(tracking_uri))
    return words if len(words) <= LONGEST_CAUSE else f"{words[:LONGEST_CAUSE]} ..."


def experiment_of(client: MlflowClient, name: str) -> str:
    """Id of the sweep's experiment, made on first use.

    Raises:
        InputError: for an experiment that was deleted in MLflow.
    """
    found = find_experiment(client, name)
    if found is not None:
        return str(found.experiment_id)
    folder = artifact_folder(client.tracking_uri)
    return str(client.create_experiment(name, artifact_location=folder.joinpath(name).as_uri() if folder else None))


def find_experiment(client: MlflowClient, name: str) -> Experiment | None:
    """The sweep's experiment, or None if nothing was logged yet.

    Raises:
        InputError: for an experiment that was deleted in MLflow.
    """
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage != "active":
        raise InputError(f"experiment {name!r} was deleted in MLflow; restore it there, or rename the sweep")
    return found
