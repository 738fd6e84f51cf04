"""A Postgres of our own for MLflow's runs: in one folder, reached through a socket in it and by no network.

Whoever may enter the folder of the socket may use the database, and the operating system lets in its owner and root. So
there is no password to keep, and no port that a neighbour could knock at.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from panda_ray.errors import InputError

DATABASE = "mlflow"

_DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian and Ubuntu keep the programs of each release; they are not on PATH."""

_SOCKET_NAME = ".s.PGSQL.5432"
_LONGEST_SOCKET = 107
"""Characters of a socket's path that Linux takes."""

_START_SECONDS = 120
"""A database that was killed first reads its log again."""


class Postgres:
    """The database of one folder.

    Attributes:
        log: what it wrote.
    """

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            InputError: Postgres is not installed, or the folder's path is too long for a socket.
        """
        self._programs = _programs()
        self._data = folder / "postgres"
        self._socket = folder / "socket"
        self.log = folder / "postgres.log"
        if len(str(self._socket / _SOCKET_NAME)) > _LONGEST_SOCKET:
            raise InputError(f"--folder {folder}: too long for the path of Postgres's socket; choose a shorter one")

    @property
    def user(self) -> str | None:
        """Whose processes it has: Postgres refuses root's. None for whoever runs this."""
        return "postgres" if os.geteuid() == 0 else None

    @property
    def uri(self) -> str:
        """Where SQLAlchemy finds it."""
        user = f"{self.user}@" if self.user else ""
        return f"postgresql+psycopg://{user}/{DATABASE}?host={quote(str(self._socket), safe='/')}"

    def start(self) -> None:
        """Make it where it is not there yet, and run it where it does not run.

        Raises:
            InputError: Postgres says that it cannot.
        """
        for folder in (self._data, self._socket):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            if self.user:
                shutil.chown(folder, self.user)
        if not (self._data / "PG_VERSION").exists():
            self._run("initdb", "-D", str(self._data), "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
        if not self._answers():
            self._forget_another_boot()
            self.log.touch()
            if self.user:
                shutil.chown(self.log, self.user)
            options = f"-c listen_addresses='' -c unix_socket_directories='{self._socket}'"
            arguments = ("-D", str(self._data), "-l", str(self.log), "-o", options, "-w", "-t", str(_START_SECONDS))
            self._run("pg_ctl", "start", *arguments)
        self._make_database()

    def _answers(self) -> bool:
        return self._call("pg_isready", "-q", "-h", str(self._socket)).returncode == 0

    def _forget_another_boot(self) -> None:
        """Remove locks of a killed one whose number another process has now: Postgres would never start."""
        for lock in (self._data / "postmaster.pid", self._socket / f"{_SOCKET_NAME}.lock"):
            with suppress(FileNotFoundError):
                process = Path("/proc", lock.read_text().split()[0])
                if process.exists() and (process / "cwd").resolve() != self._data:
                    lock.unlink()

    def _make_database(self) -> None:
        arguments = ("-h", str(self._socket), "-d", "postgres", "-A", "-t", "-c")
        found = self._run("psql", *arguments, f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'")
        if not found.strip():
            self._run("createdb", "-h", str(self._socket), DATABASE)

    def _run(self, program: str, *arguments: str) -> str:
        ended = self._call(program, *arguments)
        if ended.returncode:
            said = " ".join((ended.stderr or ended.stdout).split())
            raise InputError(f"Postgres cannot be used in {self._data}: {program} said {said!r}; its log: {self.log}")
        return ended.stdout

    def _call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._programs / program, *arguments],
            user=self.user,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def _programs() -> Path:
    """The folder of `initdb` and `pg_ctl`, of the newest release that is installed."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    installed = [folder for folder in _DEBIAN.glob("*/bin") if (folder / "initdb").exists()]
    if not installed:
        raise InputError(
            "MLflow on a head keeps its runs in Postgres, which is not installed here: sudo apt-get install postgresql"
        )
    return max(installed, key=lambda folder: int(folder.parent.name))
