"""`panda-ray ui`: MLflow's pages over a sweep's database, or those of a cluster, on the loopback address only."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Annotated

import typer

from panda_ray.cli.console import stderr, stdout
from panda_ray.cli.options import ClusterFile, Overrides
from panda_ray.errors import InputError

if TYPE_CHECKING:
    from panda_ray.usecases.serving.ui import Server

_SECONDS_BETWEEN_LOOKS = 5.0

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")]
OptionalSweepFile = Annotated[
    str | None,
    typer.Argument(metavar="[SWEEP]", help="Sweep file; without one, the database in runs/ that was written last."),
]


def ui(
    overrides: Overrides, sweep_file: OptionalSweepFile = None, port: Port = 5000, cluster: ClusterFile = None
) -> None:
    """Open MLflow on 127.0.0.1, or MLflow and Ray's dashboard of a cluster; ends with Ctrl-C."""
    if cluster is not None:
        if sweep_file is not None or overrides:
            raise InputError("--cluster opens what the whole cluster shows; leave the sweep file and --set out")
        _show_cluster(cluster)
        return
    from panda_ray.secrets import public
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.searching.searches import dashboard_command
    from panda_ray.usecases.serving.ui import address_of, make_server, tracked_at

    sweep = None if sweep_file is None else load_sweep(sweep_file, overrides)
    tracking_uri = tracked_at(sweep)
    server = make_server(tracking_uri, port)
    if server is None:
        stdout.print(f"this sweep is tracked by a server of its own: {public(tracking_uri)}", markup=False)
        return
    stdout.print(
        f"MLflow over {public(tracking_uri)} at {address_of(sweep, tracking_uri, port)} (Ctrl-C ends it)",
        markup=False,
        soft_wrap=True,
    )
    if sweep is not None and (command := dashboard_command(sweep)) is not None:
        stdout.print(f"the studies of the search: {command}", markup=False, soft_wrap=True)
    code = _serve(server)
    if code:
        raise typer.Exit(code)


def _show_cluster(file: str) -> None:
    """Hold a tunnel to both open until we are told to end; one that breaks is made anew on the same ports."""
    from panda_ray.clusters.open_cluster import DASHBOARD_PORT, MLFLOW_PORT, open_cluster
    from panda_ray.clusters.unreachable import UnreachableError

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with open_cluster(file, None, (DASHBOARD_PORT, MLFLOW_PORT)) as cluster:
            stdout.print(f"MLflow of cluster {cluster.title}: {cluster.url(MLFLOW_PORT)}", markup=False, soft_wrap=True)
            stdout.print(
                f"Ray's dashboard: {cluster.url(DASHBOARD_PORT)} (it asks for the token of ~/.ray/auth_token)",
                markup=False,
                soft_wrap=True,
            )
            stdout.print("Ctrl-C closes both", markup=False)
            while True:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
                try:
                    cluster.reopen()
                except UnreachableError as error:
                    stderr.print(str(error), style="yellow", markup=False, soft_wrap=True)
    except KeyboardInterrupt:
        stdout.print("closed")


def _serve(server: Server) -> int:
    """Run the server until it ends or we are told to; its worker processes end with it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = subprocess.Popen(server.command, env=server.environment, start_new_session=True)
    try:
        return process.wait()
    except KeyboardInterrupt:
        stdout.print("MLflow stopped")
        return 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
