"""`panda-ray ui`: MLflow's pages over a sweep's database, on the loopback address only."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from panda_ray.cli.console import stdout
from panda_ray.cli.options import Overrides
from panda_ray.errors import InputError

_HOST = "127.0.0.1"
_RUNS = Path("runs")

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")]
OptionalSweepFile = Annotated[
    str | None,
    typer.Argument(metavar="[SWEEP]", help="Sweep file; without one, the database in runs/ that was written last."),
]


def ui(overrides: Overrides, sweep_file: OptionalSweepFile = None, port: Port = 5000) -> None:
    """Open MLflow on 127.0.0.1; ends with Ctrl-C."""
    from panda_ray.secrets import public
    from panda_ray.tracking.uri import is_sqlite

    tracking_uri = _newest_database() if sweep_file is None else _tracking_uri(sweep_file, overrides)
    if not is_sqlite(tracking_uri):
        stdout.print(f"this sweep is tracked by a server of its own: {public(tracking_uri)}", markup=False)
        return
    _check_port(port)
    shown = _with_artifacts(tracking_uri)
    stdout.print(
        f"MLflow over {public(tracking_uri)} at http://{_HOST}:{port} (Ctrl-C ends it)", markup=False, soft_wrap=True
    )
    code = _serve(server_command(shown, port))
    if code:
        raise typer.Exit(code)


def _with_artifacts(tracking_uri: str) -> str:
    """A database that was moved with its store shows its artifacts again; of one that cannot be written, a copy."""
    from panda_ray.tracking.database import readable, relocate
    from panda_ray.tracking.uri import database_of, uri_of_database

    path = readable(database_of(tracking_uri))
    relocate(path)
    return uri_of_database(path)


def _serve(command: list[str]) -> int:
    """Run the server until it ends or we are told to; its worker processes end with it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = subprocess.Popen(command, env=_environment(), start_new_session=True)
    try:
        return server.wait()
    except KeyboardInterrupt:
        stdout.print("MLflow stopped")
        return 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def server_command(tracking_uri: str, port: int) -> list[str]:
    """MLflow's server, which answers to loopback names only."""
    from panda_ray.tracking.uri import mlflow_uri

    names = ",".join(f"{name}:{port}" for name in ("localhost", _HOST))
    server = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", mlflow_uri(tracking_uri)]
    return [*server, "--host", _HOST, "--port", str(port), "--workers", "1", "--allowed-hosts", names]


def _environment() -> dict[str, str]:
    """Without MLflow's job queue, which takes more memory than the pages, and without its telemetry."""
    return {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def _tracking_uri(sweep_file: str, overrides: list[str]) -> str:
    from panda_ray.sweep_file import load_sweep
    from panda_ray.tracking.uri import database_of, is_sqlite, tracking_uri_of

    sweep = load_sweep(sweep_file, overrides)
    tracking_uri = tracking_uri_of(sweep.storage, sweep.tracking_uri)
    if is_sqlite(tracking_uri):
        database = database_of(tracking_uri)
        if not database.exists():
            raise InputError(f"nothing was tracked yet: there is no {database}; first: panda-ray run {sweep_file}")
    return tracking_uri


def _newest_database() -> str:
    from panda_ray.tracking.uri import uri_of_database

    databases = sorted(_RUNS.glob("*/mlflow.db"), key=lambda path: path.stat().st_mtime)
    if not databases:
        raise InputError(f"no {_RUNS}/*/mlflow.db here; give the sweep file: panda-ray ui sweeps/quickstart.yaml")
    return uri_of_database(databases[-1].resolve())


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            raise InputError(f"port {port} on {_HOST} is taken; choose another: --port {port + 1}") from None
