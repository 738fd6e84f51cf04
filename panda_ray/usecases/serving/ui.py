"""MLflow's pages over a sweep's database, on the loopback address only: what they show, and the server that does."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.tracking.server.uri import database_of, is_sqlite, mlflow_uri, tracking_uri_of, uri_of_database
from panda_ray.usecases.engine import check_engine
from panda_ray.usecases.serving.mlflow_server import HOST, server_command, server_environment

_RUNS = Path("runs")


@dataclass(frozen=True)
class Server:
    """A process that shows a database.

    Attributes:
        command, environment: what starts it; it answers to loopback names only.
    """

    command: tuple[str, ...]
    environment: dict[str, str]


def tracked_at(sweep: Sweep | None) -> str:
    """The URI of what there is to look at: of a sweep, or else of the database in runs/ that was written last.

    Raises:
        InputError: nothing was tracked yet.
    """
    if sweep is None:
        return _newest_database()
    tracking_uri = tracking_uri_of(sweep.storage, sweep.tracking_uri)
    if is_sqlite(tracking_uri) and not (database := database_of(tracking_uri)).exists():
        raise InputError(f"nothing was tracked yet: there is no {database}; run the sweep first")
    return tracking_uri


def make_server(tracking_uri: str, port: int) -> Server | None:
    """What shows a database on this machine; None for a server of its own, which shows itself.

    A database that was moved with its store shows its artifacts again; of one that cannot be written, a copy is shown.

    Raises:
        InputError: the port is taken, or MLflow's server is not installed.
    """
    if not is_sqlite(tracking_uri):
        return None
    from panda_ray.tracking.server.database import readable, relocate

    check_engine("MLflow's server", "flask")
    _check_port(port)
    path = readable(database_of(tracking_uri))
    relocate(path)
    names = ",".join(f"{name}:{port}" for name in ("localhost", HOST))
    return Server(server_command(mlflow_uri(uri_of_database(path)), port, names), server_environment())


def address_of(sweep: Sweep | None, tracking_uri: str, port: int) -> str:
    """Where a browser finds the runs of a sweep; without one, or before it was run, all experiments.

    Raises:
        InputError: its experiment was deleted in MLflow.
    """
    from panda_ray.tracking.experiment import find_experiment, runs_page
    from panda_ray.tracking.server.client import connect_to_read

    address = f"http://{HOST}:{port}"
    found = None if sweep is None else find_experiment(connect_to_read(tracking_uri), sweep.name)
    return address if found is None else f"{address}/{runs_page(found.experiment_id)}"


def _newest_database() -> str:
    databases = sorted(_RUNS.glob("*/mlflow.db"), key=lambda path: path.stat().st_mtime)
    if not databases:
        raise InputError(f"no {_RUNS}/*/mlflow.db here; give the sweep file: panda-ray ui sweeps/quickstart.yaml")
    return uri_of_database(databases[-1].resolve())


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise InputError(f"port {port} on {HOST} is taken; choose another: --port {port + 1}") from None
