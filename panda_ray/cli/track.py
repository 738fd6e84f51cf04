"""`panda-ray track`: log to MLflow what it lacks of a sweep, from the store alone; nothing is trained."""

from __future__ import annotations

from typing import Annotated

import typer

from panda_ray.cli.console import stderr, stdout
from panda_ray.cli.options import Overrides, SweepFile
from panda_ray.errors import InputError

_SECONDS = 24 * 3600.0
"""As long as MLflow answers; a silent one is left much sooner."""

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
    from panda_ray.execution.events import RunSummary
    from panda_ray.execution.planning.plan import build_plan
    from panda_ray.execution.store.store import Store
    from panda_ray.secrets import public
    from panda_ray.sweep_file import load_sweep
    from panda_ray.tracking.mlflow import MlflowTracker

    sweep = load_sweep(sweep_file, overrides)
    store = Store(sweep.storage)
    with stderr.status("reading the store"):
        plan = build_plan(sweep, store)
    if not plan.done:
        raise InputError(f"{store.url} has no result of sweep {sweep.name!r} yet; first: panda-ray run {sweep_file}")
    tracker = MlflowTracker(store, sweep.tracking_uri)
    with stderr.status("logging to MLflow"):
        tracker.start(plan, rebuild=rebuild)
        missing = plan.units.keys() - plan.done
        tracker.finish(RunSummary(done=plan.done, blocked=dict.fromkeys(missing, "")), _SECONDS)
    if message := tracker.message("the same command"):
        stderr.print(message, style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1)
    units = f"{len(plan.done)} finished units of {sweep.name}"
    stdout.print(f"MLflow at {public(tracker.tracking_uri)} has all {units}.", markup=False, soft_wrap=True)
