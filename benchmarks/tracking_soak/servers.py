"""The servers of a head, MLflow's over its Postgres, so that they can be killed and started again."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # comes with Ray
import psycopg

from panda_ray.errors import InputError
from panda_ray.tracking.server.http import is_mlflow
from panda_ray.tracking.server.postgres import Postgres
from panda_ray.usecases.serving.mlflow_server import HOST, server_command, server_environment

_PATIENCE = 600

_REQUEST = re.compile(r'"[A-Z]+ (/(?:api|ajax-api)/\S+) HTTP')
"""In MLflow's log, what a client asked for; whoever asks for `/health` waits for the start."""


def cpu_seconds(process: int) -> float:
    """Of a process that is there and of all that it has started."""
    root = psutil.Process(process)
    own = root.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for each in root.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ends meanwhile
            times = each.cpu_times()
            total += times.user + times.system
    return float(total)


class Database:
    """Postgres in a folder that the user `postgres` may enter."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self._postgres = Postgres(folder)
        self._lock = folder / "postgres" / "postmaster.pid"
        self.uri = self._postgres.uri
        self._spent = 0.0
        self.start()

    def start(self) -> None:
        self._postgres.start()

    @property
    def _process(self) -> int:
        return int(self._lock.read_text().split()[0])

    @property
    def cpu_seconds(self) -> float:
        """That it has taken, those before it was killed included."""
        return self._spent + cpu_seconds(self._process)

    def kill(self) -> None:
        """As a crash would: what is open is not ended in an orderly way."""
        process, self._spent = self._process, self.cpu_seconds
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
        self._log = folder / "server.log"
        self._spent = 0.0
        self.start()

    @property
    def cpu_seconds(self) -> float:
        """That it has taken, those before it was killed included."""
        return self._spent + cpu_seconds(self._process.pid)

    @property
    def requests(self) -> int:
        """That it has answered."""
        return len(_REQUEST.findall(self._log.read_text(errors="replace")))

    def start(self) -> None:
        command = server_command(self._database, self._port, f"{HOST}:{self._port}", workers=2)
        with self._log.open("ab") as log:
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
                raise InputError(f"MLflow's server did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.5)

    def kill(self) -> None:
        self._spent = self.cpu_seconds
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
