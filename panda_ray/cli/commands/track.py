"""`panda-ray track`: log to MLflow what it lacks of a sweep, from the store alone; nothing is trained."""

from __future__ import annotations

from typing import Annotated

import typer

from panda_ray.cli.console import stderr, stdout
from panda_ray.cli.options import Overrides, SweepFile

Rebuild = Annotated[
    bool,
    typer.Option(
        "--rebuild",
        help="Put what MLflow has of the sweep aside first (it can be restored there), and log all of it anew.",
    ),
]


def track(sweep_file: SweepFile, overrides: Overrides, rebuild: Rebuild = False) -> None:
    """Log what MLflow lacks of a sweep: after it was away, or after something was deleted, moved or broken there.

    Exit status: 0 if MLflow has every finished unit, 1 if it lacks some, 2 for bad input.
    """
    from panda_ray.secrets import public
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.track import track_sweep

    sweep = load_sweep(sweep_file, overrides)
    tracked = track_sweep(sweep, rebuild, busy=stderr.status)
    if message := tracked.tracker.message("the same command"):
        stderr.print(message, style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1)
    units = f"{len(tracked.plan.done)} finished units of {sweep.name}"
    stdout.print(f"MLflow at {public(tracked.tracker.tracking_uri)} has all {units}.", markup=False, soft_wrap=True)
