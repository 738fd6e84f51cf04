"""`panda-ray ui`: MLflow's pages over a sweep's database, on the loopback address only."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Annotated

import typer

from panda_ray.cli.console import stdout
from panda_ray.cli.options import Overrides

if TYPE_CHECKING:
    from panda_ray.usecases.ui import Server

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")]
OptionalSweepFile = Annotated[
    str | None,
    typer.Argument(metavar="[SWEEP]", help="Sweep file; without one, the database in runs/ that was written last."),
]


def ui(overrides: Overrides, sweep_file: OptionalSweepFile = None, port: Port = 5000) -> None:
    """Open MLflow on 127.0.0.1; ends with Ctrl-C."""
    from panda_ray.secrets import public
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.ui import address_of, make_server, tracked_at

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
    code = _serve(server)
    if code:
        raise typer.Exit(code)


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
