"""A sweep from its plan to its report: what is missing is computed, logged and shown to whoever watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from panda_ray.choosing.choice_places import Place, unchosen
from panda_ray.choosing.chooser import with_chosen
from panda_ray.errors import InputError
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.costs.memory.within_memory import within_memory
from panda_ray.execution.events import Listener, RunSummary
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.signals import reason_of
from panda_ray.execution.steering import Steering
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.catalog import read_catalog
from panda_ray.search.trials import StudyStanding
from panda_ray.sweep import Sweep
from panda_ray.tracking.mlflow import MlflowTracker
from panda_ray.usecases import Busy
from panda_ray.usecases.searching.searches import Standings, has_reached_all, searched_by, standings_of, steering_of
from panda_ray.usecases.shared_prompts.taking import plan_with_taken
from panda_ray.usecases.watching.announcer import Announcer

if TYPE_CHECKING:
    from panda_ray.execution.runners.run_plan import Runner
    from panda_ray.reports.written_report import Report


@dataclass(frozen=True)
class Start:
    """What is known before the first stack starts.

    Attributes:
        costs: what stacks should take; the schedule goes by the same.
        announcer: hears of the run, and tells the tracker where it stands.
        steered: what a search makes of the plan while it runs, for as long as it runs.
        standings: how the studies of a search stand, whenever it is asked.
        trouble: what is wrong with MLflow for the moment, or None.
        refused: why MLflow takes nothing, or None; it stops no run that has nothing to do.
    """

    plan: Plan
    costs: Costs
    announcer: Announcer
    tracker: MlflowTracker
    steered: AbstractContextManager[Steering]
    standings: Standings
    trouble: str | None
    refused: str | None


@dataclass(frozen=True)
class Run:
    """How a run ended.

    Attributes:
        plan: as far as it has grown.
        tracker: where it was logged, and what was not (`message`).
        refused: why MLflow took nothing, or None.
        report: what was found; None where there is none.
        page: where its page is, a path or a URL; None where there is none.
        no_report: why there is none although there are results, or None.
        seconds: wall time, the report left out.
        studies: how those of a search stand.
    """

    plan: Plan
    storage: str
    summary: RunSummary
    tracker: MlflowTracker
    refused: str | None
    report: Report | None
    page: str | None
    no_report: str | None
    seconds: float
    studies: Sequence[StudyStanding] = ()

    @property
    def complete(self) -> bool:
        """Whether there is all that the sweep is for."""
        return has_reached_all(self.summary, self.studies)

    @property
    def unchosen(self) -> Sequence[Place]:
        """Where a metric was to choose sources and has not, because an embedding is missing."""
        return unchosen(self.plan)

    @property
    def cells(self) -> dict[str, int]:
        """Cells in total, done, failed and blocked."""
        keys = [cell.key for cell in self.plan.cells]
        ended = {"done": self.summary.done, "failed": self.summary.failed, "blocked": self.summary.blocked}
        return {"total": len(keys)} | {name: sum(key in among for key in keys) for name, among in ended.items()}

    @property
    def units(self) -> dict[str, int]:
        """Units in total, done, new in this run, failed, blocked and stopped early."""
        summary = self.summary
        ended = {"done": summary.done, "new": summary.new, "failed": summary.failed, "blocked": summary.blocked}
        counts = {name: len(among) for name, among in ended.items()}
        return {"total": len(self.plan.units), **counts, "stopped": len(summary.stopped)}


Watch = Callable[[Start], AbstractContextManager[Sequence[Listener]]]
"""Called when a run is about to start; its listeners hear of the run, and the context ends with it."""


def _unwatched(_start: Start) -> AbstractContextManager[Sequence[Listener]]:
    return nullcontext(())


def run_sweep(sweep: Sweep, runner: Runner, watch: Watch = _unwatched, busy: Busy = nullcontext) -> Run:
    """Plan, run and report one sweep; where it has been run before, only what is missing.

    A signal ends it early, and the same call continues it later. That a unit fails, that MLflow is away or that the
    report cannot be written is part of what is returned.

    Raises:
        InputError: for what cannot be run, before anything is.
    """
    from panda_ray.execution.runners.run_plan import run_plan

    store = Store(sweep.storage)
    with busy("reading data sets and planning"):
        start = _start(sweep, store, busy)
    plan, tracker = start.plan, start.tracker
    started = time.monotonic()
    with start.steered as steering, watch(start) as listeners:
        logging = [] if start.refused else [tracker]
        summary = run_plan(plan, start.costs, store, runner, [*listeners, start.announcer, *logging], steering)
    plan = summary.plan
    if summary.interrupted is None and plan.outdated_by(summary.new, store):
        # A repaired result came out different: what was built on it is computed anew, too.
        return run_sweep(sweep, runner, watch, busy)
    seconds = time.monotonic() - started
    report, page, no_report = None, None, None
    if summary.interrupted is None and not tracker.is_silent and any(cell.key in summary.done for cell in plan.cells):
        try:
            with busy("making the report"):
                report, page, no_report = _report(sweep, store)
        except KeyboardInterrupt as signalled:
            summary, no_report = replace(summary, interrupted=reason_of(signalled)), "no report yet"
    studies = start.standings()
    return Run(plan, store.url, summary, tracker, start.refused, report, page, no_report, seconds, studies)


def _start(sweep: Sweep, store: Store, busy: Busy) -> Start:
    """Plan, estimate and connect to MLflow; a finished study may lie on a file system that cannot be written."""
    if sweep.tracking.system_metrics:
        from panda_ray.execution.work.usage import check_samples

        check_samples(sweep.resources.gpus_per_stack > 0)
    announcer = Announcer()
    catalog = read_catalog(sweep)
    plan = with_chosen(plan_with_taken(sweep, store, catalog), catalog, store)
    costs = Costs.in_store(plan, store)
    plan = within_memory(plan, costs, store)
    steered = steering_of(plan, catalog, store)
    standings = standings_of(steered)
    tracker = MlflowTracker(
        store,
        sweep.tracking_uri,
        announcer.snapshot,
        searched_by(standings, sweep),
        lambda summary: has_reached_all(summary, standings()),
        busy,
    )
    announcer.follow(plan, costs)
    try:
        return Start(plan, costs, announcer, tracker, steered, standings, trouble=tracker.start(plan), refused=None)
    except InputError as error:
        if plan.stacks:
            raise
        return Start(plan, costs, announcer, tracker, steered, standings, trouble=None, refused=str(error))


def _report(sweep: Sweep, store: Store) -> tuple[Report | None, str | None, str | None]:
    """The report and where it is, or why there is none: results are safe, so the run has not failed for it."""
    from panda_ray.usecases.reporting.unchanged import unchanged_report

    if store.local_folder is not None and (report := unchanged_report(sweep)) is not None:
        return report, str(report.paths[0]), None
    from panda_ray.usecases.reporting.report import report_beside_results  # imports Matplotlib, for seconds

    try:
        return *report_beside_results(sweep, store), None
    except InputError as error:
        return None, None, f"no report yet: {error}"
