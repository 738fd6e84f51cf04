"""Logging to MLflow what it lacks of a sweep, from the store alone; nothing is trained."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

from panda_ray.errors import InputError
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import RunSummary
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.states import stored_states
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep
from panda_ray.tracking.mlflow import MlflowTracker
from panda_ray.usecases import Busy
from panda_ray.usecases.progress import Progress
from panda_ray.usecases.searching.searches import has_reached_all, known_plan, searched_by
from panda_ray.usecases.watching.announcer import snapshot_of

_SECONDS = 24 * 3600.0
"""As long as MLflow answers; a silent one is left much sooner."""


@dataclass(frozen=True)
class Tracked:
    """What was logged: all of the plan's finished units, unless the tracker says what is missing (`message`)."""

    plan: Plan
    tracker: MlflowTracker


def track_sweep(sweep: Sweep, rebuild: bool = False, busy: Busy = nullcontext) -> Tracked:
    """Log what MLflow lacks: after it was away, or after something was deleted, moved or broken there.

    Args:
        rebuild: put what MLflow has of the sweep aside first (it can be restored there), and log all of it anew.

    Raises:
        InputError: the store has no result of the sweep, or MLflow will take nothing.
    """
    store = Store(sweep.storage)
    with busy("reading the store"):
        plan, standings = known_plan(sweep, store)
    if not plan.done:
        raise InputError(f"{store.url} has no result of sweep {sweep.name!r} yet; run it first")
    progress = Progress(plan, Costs.in_store(plan, store))
    progress.states |= stored_states(plan, store)
    searched = searched_by(lambda: standings, sweep)
    tracker = MlflowTracker(
        store,
        sweep.tracking_uri,
        lambda: snapshot_of(progress),
        searched,
        lambda summary: has_reached_all(summary, standings),
    )
    with busy("logging to MLflow"):
        tracker.start(plan, rebuild=rebuild)
        tracker.take_search()
        missing = plan.units.keys() - plan.done
        tracker.finish(RunSummary(plan, done=plan.done, blocked=dict.fromkeys(missing, "")), _SECONDS)
    return Tracked(plan, tracker)
