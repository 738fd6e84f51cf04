"""Follows a run and can say at any moment, to any thread, where it stands."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from panda_ray.execution.events import Listener, Outcome, RunSummary
from panda_ray.tracking.snapshot import BackboneStates, RunningStack, Snapshot
from panda_ray.usecases.progress import Progress

if TYPE_CHECKING:
    from panda_ray.execution.costs.costs import Costs
    from panda_ray.execution.planning.plan import Plan
    from panda_ray.execution.planning.stack import Stack
    from panda_ray.training.engine.epoch_report import EpochReport


class Announcer(Listener):
    """The progress of one run: it hears of it in the driver's thread, and the tracker's thread asks for it."""

    def __init__(self) -> None:
        self._followed: Progress | None = None
        self._lock = threading.Lock()

    def follow(self, plan: Plan, costs: Costs) -> None:
        """The plan that will be run."""
        self._followed = Progress(plan, costs)

    def on_grown(self, plan: Plan) -> None:
        with self._lock:
            self._progress.grow(plan)

    def on_stack_started(self, stack: Stack) -> None:
        with self._lock:
            self._progress.start(stack)

    def on_lost(self, stack: Stack, reason: str) -> None:
        with self._lock:
            self._progress.lost(stack)

    def on_refused(self, sentences: Sequence[str]) -> None:
        with self._lock:
            self._progress.refused(sentences)

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        with self._lock:
            self._progress.epoch(stack, report)

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        with self._lock:
            self._progress.outcome(stack, outcome)

    def on_held(self, stack: Stack, keys: Collection[str]) -> None:
        with self._lock:
            self._progress.held(stack, keys)

    def on_finished(self, summary: RunSummary) -> None:
        with self._lock:
            self._progress.stop()

    def snapshot(self) -> Snapshot | None:
        """Where the run stands now; None before there is a plan."""
        if self._followed is None:
            return None
        with self._lock:
            return snapshot_of(self._followed)

    @property
    def _progress(self) -> Progress:
        assert self._followed is not None, "a run begins with its plan"
        return self._followed


def snapshot_of(progress: Progress) -> Snapshot:
    """The same of a progress that nothing changes meanwhile."""
    plan, now = progress.plan, progress.now
    return Snapshot(
        backbones={
            section.name: BackboneStates.of(plan, progress.states, section.name) for section in plan.sweep.backbones
        },
        written_at=time.time(),
        elapsed=progress.elapsed,
        eta=progress.eta if progress.count("waiting") + progress.count("running") else None,
        stacks=tuple(
            RunningStack(
                backbone=found.stack.members[0].backbone.name,
                title=found.stack.title,
                seconds=now - found.since,
                epoch=found.epoch,
                epochs=found.epochs,
                hosts=found.hosts,
            )
            for found in progress.running.values()
        ),
        lost_workers=progress.lost_workers,
        warnings=progress.warnings,
    )
