"""The paper's grid on the scale of the built-in suite, and a search of it in this process, as users run it.

Only MLflow and the report are left out: they are no part of what is compared.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener
from panda_ray.execution.planning.plan import plan_from
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.runners.run_plan import run_plan
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.search.begin import begin_search
from panda_ray.search.trials import StudyStanding
from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep

Space = Mapping[str, Sequence[float]]

SPACE: Space = {
    "lr": [0.03, 0.06, 0.12],
    "batch_size": [8, 16, 32],
    "epochs": [3, 6, 9, 12, 15],
}
"""45 points like the paper's: 3/20 of its epochs (20 to 100), half of its batch sizes (16 to 64), and learning rates
around the one that the suite is tuned for in place of 5e-3 to 1e-2, with which so few steps learn nothing."""

PROMPT_LEN, MAX_LEN, BACKBONE = 8, 48, "builtin-tiny"
"""As in `sweeps/quickstart.yaml`, as are prompts without dropout."""


@dataclass(frozen=True)
class Rows:
    """How many rows of a task are used; None is all that there are."""

    train: int | None
    dev: int | None


@dataclass(frozen=True)
class Searched:
    """What a search took.

    Attributes:
        seconds: of the run, without start-up and planning.
        widths: of the stacks that were started.
    """

    standing: StudyStanding
    seconds: float
    widths: Sequence[int]

    @property
    def epochs(self) -> int:
        """Of all trials of a search with a pruner. All have equal rows, so a share of these is one of the examples."""
        return sum(max(trial.reported) for trial in self.standing.trials)


def paper_search(storage: str, task: str, rows: Rows, seeds: Sequence[int], *more: str, space: Space = SPACE) -> Sweep:
    """A grid on one task.

    Args:
        more: as `--set` takes it.
        space: a name with one value is not searched.
    """
    chosen = [f"backbones=[{BACKBONE}]", "sources=builtin", f"targets=[{task}]", f"seeds={list(seeds)}"]
    searched = {name: list(values) for name, values in space.items() if len(values) > 1}
    fixed = {name: values[0] for name, values in space.items() if len(values) == 1}
    fixed |= {"prompt_len": PROMPT_LEN, "max_len": MAX_LEN, "dropout": 0}
    training = [f"training.{name}={value}" for name, value in fixed.items()]
    limits = {"max_train_rows": rows.train, "max_dev_rows": rows.dev}
    limited = [f"tasks.{task}.{key}={limit}" for key, limit in limits.items() if limit is not None]
    given = [
        f"storage={storage}",
        *chosen,
        f"search.space={json.dumps(searched)}",
        *training,
        "training.precision=fp32",
        *limited,
        *more,
    ]
    return load_sweep("search/paper_grid", given)


def run(sweep: Sweep) -> Searched:
    """Run a search of one study to its end, in this process."""
    store, catalog, started = Store(sweep.storage), read_catalog(sweep), _Started()
    plan = plan_from(sweep, store, catalog)
    with begin_search(plan, catalog, store) as searching:
        began = time.monotonic()
        summary = run_plan(plan, Costs.of(plan, ()), store, InlineRunner(), [started], searching)
        seconds = time.monotonic() - began
        (standing,) = searching.standings
    if not standing.complete or summary.interrupted is not None:
        raise RuntimeError(f"the search is not over: {summary.interrupted or summary.failed}")
    return Searched(standing, seconds, started.widths)


class _Started(Listener):
    def __init__(self) -> None:
        self.widths: list[int] = []

    def on_stack_started(self, stack: Stack) -> None:
        self.widths.append(len(stack.members))
