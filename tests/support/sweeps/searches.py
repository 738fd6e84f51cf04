"""Searches that train in seconds, and what their stores and studies hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener, RunSummary
from panda_ray.execution.planning.plan import plan_from
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.runners.run_plan import Runner, run_plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.search.begin import begin_search
from panda_ray.search.trials import StudyStanding
from panda_ray.sweep import Sweep
from support.sweeps.small_sweeps import small_sweep

SIX_POINTS = {"space": {"lr": [1e-3, 1e-2, 1e-1], "epochs": [1, 2]}, "sampler": "grid"}
TWO_RANGES = {"lr": {"low": 1e-3, "high": 1e-1, "log": True}, "initialization_scale": {"low": 0.01, "high": 0.1}}
NO_DROPOUT = {"epochs": 3, "prompt_len": 4, "batch_size": 8, "dropout": 0.0}
"""A training in which stacks of any width give the same numbers."""


def small_search(storage: Path | str, search: dict[str, Any] = SIX_POINTS, **changes: Any) -> Sweep:
    """Prompt tuning on one task: one study."""
    defaults: dict[str, Any] = {"methods": ["prompt_tuning"], "metrics": [], "search": search}
    return small_sweep(storage, **(defaults | changes))


def search(
    sweep: Sweep, runner: Runner | None = None, listeners: Sequence[Listener] = ()
) -> tuple[RunSummary, list[StudyStanding]]:
    """Run a search to its end, or go on with it."""
    store, catalog = Store(sweep.storage), read_catalog(sweep)
    plan = plan_from(sweep, store, catalog)
    with begin_search(plan, catalog, store) as searching:
        summary = run_plan(plan, Costs.of(plan, ()), store, runner or InlineRunner(), listeners, searching)
        return summary, searching.standings


def values_of(standing: StudyStanding) -> list[tuple[dict[str, object], float | None]]:
    """Of each point, in an order that is no matter of time."""
    return sorted(((dict(trial.point), trial.value) for trial in standing.trials), key=repr)


def points_of(standing: StudyStanding) -> Counter[str]:
    """How often each point is in a study."""
    return Counter(repr(sorted(trial.point.items())) for trial in standing.trials)


def killed_search(storage: Path | str, pruner: str, trials: int = 8, place: str | None = None) -> Sweep:
    """Points in stacks of two, several generations: long enough to be hit anywhere.

    Args:
        place: of the studies, `search.db` in the store unless given.
    """
    section = {"space": TWO_RANGES | {"epochs": [3, 4]}, "sampler": "tpe", "trials": trials, "pruner": pruner}
    resources = {"max_stack": 2, "checkpoint_seconds": 0.05}
    return small_search(storage, section | {"storage": place}, resources=resources)
