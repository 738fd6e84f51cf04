"""MLflow on the head of a cluster: its server over a Postgres of its own, on loopback, started once however often."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.tracking.server.http import is_mlflow
from panda_ray.tracking.server.postgres import Postgres
from panda_ray.usecases.engine import check_engine
from panda_ray.usecases.serving.mlflow_server import HOST, server_command, server_environment

_START_SECONDS = 300
"""The first start makes MLflow's tables."""

_TUNNELS = f"localhost:*,{HOST}:*"
"""A tunnel may end at any port of a laptop, and its browser asks for that one."""

_WORKERS = 2


@dataclass(frozen=True)
class Served:
    """A server that answers.

    Attributes:
        uri: where, for `MLFLOW_TRACKING_URI`.
        artifacts: the folder or URL of what runs keep besides numbers.
        log: what it wrote.
        started: false where it was there already.
    """

    uri: str
    artifacts: str
    log: Path
    started: bool


def default_folder() -> Path:
    """Where a server keeps what must outlive it: for root in /var/lib, whose home other users cannot enter."""
    if os.geteuid() == 0:
        return Path("/var/lib/panda-ray")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "panda-ray"


def serve(folder: Path, artifacts: str | None = None, port: int = 5000) -> Served:
    """Have MLflow's server running; it outlives this process. Asked again, it starts what is missing.

    Args:
        folder: of the database and the logs, on a disk of this machine.
        artifacts: a folder or URL; None for a folder beside the database.

    Raises:
        InputError: Postgres or MLflow's server is not installed or does not start, or the port is somebody else's.
    """
    check_engine("MLflow's server", "flask")
    check_engine("MLflow's server over Postgres", "psycopg", "cluster")
    folder = folder.resolve()
    database = Postgres(folder)
    folder.mkdir(parents=True, exist_ok=True)
    database.start()
    served = Served(f"http://{HOST}:{port}", artifacts or str(folder / "artifacts"), folder / "mlflow.log", False)
    there = is_mlflow(served.uri)
    if there:
        return served
    if there is not None:
        raise InputError(f"port {port} on {HOST} is taken by something else than MLflow; choose another with --port")
    command = (*server_command(database.uri, port, _TUNNELS, _WORKERS), "--artifacts-destination", served.artifacts)
    _start(command, served.uri, served.log)
    return Served(served.uri, served.artifacts, served.log, started=True)


def _start(command: tuple[str, ...], uri: str, log: Path) -> None:
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            env=server_environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    end = time.monotonic() + _START_SECONDS
    while not is_mlflow(uri):
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise InputError(f"MLflow's server does not start; the end of {log}:\n{_end_of(log)}")
        time.sleep(0.5)


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:])
