"""The servers of a head, MLflow's over its Postgres, so that they can be killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg

from panda_ray.errors import InputError
from panda_ray.tracking.server.http import is_mlflow
from panda_ray.tracking.server.postgres import Postgres
from panda_ray.usecases.serving.mlflow_server import HOST, server_command, server_environment

_PATIENCE = 180


class Database:
    """Postgres in a folder that the user `postgres` may enter."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self._postgres = Postgres(folder)
        self._lock = folder / "postgres" / "postmaster.pid"
        self.uri = self._postgres.uri
        self.start()

    def start(self) -> None:
        self._postgres.start()

    def kill(self) -> None:
        """As a crash would: what is open is not ended in an orderly way."""
        process = int(self._lock.read_text().split()[0])
        os.kill(process, signal.SIGQUIT)
        while Path("/proc", str(process)).exists():
            time.sleep(0.1)

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of a statement."""
        address = self.uri.replace("+psycopg", "", 1)
        with psycopg.connect(address, connect_timeout=10) as connection:
            return connection.execute(statement.encode()).fetchall()

    @property
    def deadlocks(self) -> int:
        """That Postgres has found and broken."""
        return self._postgres.log.read_text(encoding="utf-8", errors="replace").count("deadlock detected")


class Server:
    """`mlflow server` over a database."""

    def __init__(self, database: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self._port = int(probe.getsockname()[1])
        self._database, self._folder = database, folder
        self.uri = f"http://{HOST}:{self._port}"
        self.start()

    def start(self) -> None:
        command = server_command(self._database, self._port, f"{HOST}:{self._port}", workers=2)
        log_file = self._folder / "server.log"
        with log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--artifacts-destination", str(self._folder / "artifacts")],
                env=server_environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _PATIENCE
        while not is_mlflow(self.uri):
            if time.monotonic() > deadline:
                raise InputError(f"MLflow's server did not start:\n{log_file.read_text()[-2000:]}")
            time.sleep(0.5)

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
