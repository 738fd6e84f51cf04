"""MLflow's server as a process: its command line and environment."""

from __future__ import annotations

import os
import sys

HOST = "127.0.0.1"
"""Loopback only: MLflow asks nobody for a password."""


def server_command(database: str, port: int, names: str, workers: int = 1) -> tuple[str, ...]:
    """What starts it.

    Args:
        database: its URI.
        names: the hosts, as `name:port`, that a browser may have asked for; others get 403.
    """
    server = (sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database)
    return (*server, "--host", HOST, "--port", str(port), "--workers", str(workers), "--allowed-hosts", names)


def server_environment() -> dict[str, str]:
    """Without MLflow's job queue, which takes more memory than the pages, and without its telemetry."""
    return {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
