"""Logs a run to MLflow while it goes on, and never stops or holds it.

The driver's process is the only writer. Its background thread (`tracker_thread.py`) logs what is done from the store's
records; the store is the spool, so a server that is away costs nothing: what is missing is sent when it is back, at the
end of the run, or by the next run. Whatever the store holds and the experiment lacks is logged too, so MLflow can be
rebuilt from the store.

What no wait can mend (a missing package, an experiment that was deleted, another study's, a database that cannot be
written) is refused before the first stack. What may pass is said at once, and the run goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from panda_ray.errors import InputError
from panda_ray.execution.events import Listener, Outcome, RunSummary
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.store import Store
from panda_ray.secrets import public
from panda_ray.tracking.searched import Searched
from panda_ray.tracking.server.uri import tracking_uri_of
from panda_ray.tracking.snapshot import Snapshot
from panda_ray.tracking.stack_usage import StackUsage
from panda_ray.tracking.tracker_thread import TrackerThread

if TYPE_CHECKING:
    from panda_ray.training.engine.epoch_report import EpochReport

END_SECONDS = 300.0
"""That the driver stays for what is not logged yet when its work is done; after an interrupt `INTERRUPTED_SECONDS`."""

INTERRUPTED_SECONDS = 10.0

SEARCHED_SECONDS = 30.0
"""Between two states of a search, which grow with it."""


class MlflowTracker(Listener):
    """A listener that logs to MLflow.

    Args:
        store: where results are.
        tracking_uri: a server or a database; a SQLite file beside a local store unless given.
        snapshots: where the sweep stands, asked in another thread now and then; nowhere unless given.
        searched: what a search has found, asked in the thread that listens; nothing unless given.
        has_reached_all: whether a run that was not interrupted counts as finished; all of its units are, unless given.
        busy: called with what the driver waits for when its work is done; the context lasts as long.

    Attributes:
        tracking_uri: where it logs to.
        missing: keys that are done but could not be logged; known after `on_finished`.
        trouble: why, or None.
        refused: keys of units that MLflow does not take, and why.
        is_silent: whether MLflow keeps its connection open and does not answer: whoever asks it would wait in vain.

    Raises:
        InputError: for a tracking URI that cannot be one.
    """

    def __init__(
        self,
        store: Store,
        tracking_uri: str | None = None,
        snapshots: Callable[[], Snapshot | None] = lambda: None,
        searched: Callable[[], Searched | None] = lambda: None,
        has_reached_all: Callable[[RunSummary], bool] = lambda summary: summary.complete,
        busy: Callable[[str], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._store = store
        self._snapshots = snapshots
        self._searched = searched
        self._has_reached_all = has_reached_all
        self._busy = busy
        self._searched_at = 0.0
        self.tracking_uri = tracking_uri_of(store.url, tracking_uri)
        self.missing: frozenset[str] = frozenset()
        self.trouble: str | None = None
        self.refused: dict[str, str] = {}
        self.is_silent = False
        self._thread: TrackerThread | None = None

    def start(self, plan: Plan, rebuild: bool = False) -> str | None:
        """Begin with what is done already, and wait for MLflow's first answer.

        Args:
            rebuild: put what MLflow has of the sweep aside first.

        Returns:
            A sentence on what is wrong for the moment, or None.

        Raises:
            InputError: for what no wait can mend.
        """
        self._thread = TrackerThread(plan, self._store, self.tracking_uri, self._snapshots, rebuild)
        self._thread.start()
        trouble, lasting = self._thread.first_answer()
        if lasting is not None:
            self._thread.finish("refused", INTERRUPTED_SECONDS)
            self._thread = None
            raise InputError(lasting)
        if trouble is None:
            return None
        return f"MLflow at {public(self.tracking_uri)}: {trouble}; training goes on, what is missing is sent later"

    def on_plan(self, plan: Plan) -> None:
        """Start logging, unless `start` has."""
        if self._thread is None:
            self.start(plan)

    def on_grown(self, plan: Plan) -> None:
        """Log what is new in the plan, too."""
        assert self._thread is not None
        self._thread.grow(plan)

    def on_stack_started(self, stack: Stack) -> None:
        """Have it said soon where the sweep stands."""
        assert self._thread is not None
        self._thread.take(stack)

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        """Queue what the machine of the stack did, where the sweep asks for it."""
        assert self._thread is not None
        if report.usage:
            self._thread.take(StackUsage(stack, report.usage))

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        """Queue the unit, and what the machine of its stack did."""
        assert self._thread is not None
        if stack is not None and outcome.usage:
            self._thread.take(StackUsage(stack, outcome.usage))
        self._thread.take(outcome)
        if time.monotonic() - self._searched_at > SEARCHED_SECONDS:
            self.take_search()

    def on_finished(self, summary: RunSummary) -> None:
        """Log what is left, unless the server is away or silent."""
        self.take_search()
        with self._busy("logging to MLflow"):
            self.finish(summary, END_SECONDS if summary.interrupted is None else INTERRUPTED_SECONDS)

    def take_search(self) -> None:
        """Have it said what a search has found by now."""
        if self._thread is not None and (found := self._searched()) is not None:
            self._thread.take(found)
        self._searched_at = time.monotonic()

    def finish(self, summary: RunSummary, seconds: float) -> None:
        """Likewise, for so long at the most."""
        if (thread := self._thread) is not None:
            thread.finish(self._state(summary), seconds)
            self.missing, self.trouble, self.refused = thread.missing, thread.trouble, thread.refused
            self.is_silent = thread.is_silent

    def _state(self, summary: RunSummary) -> str:
        if summary.interrupted is not None:
            return "interrupted"
        return "finished" if self._has_reached_all(summary) else "failed"

    def message(self, command: str) -> str | None:
        """One sentence on what could not be logged, or None.

        Args:
            command: what sends it later.
        """
        if not self.missing and self.trouble is None:
            return None
        causes = [self.trouble] if self.trouble else list(dict.fromkeys(self.refused.values()))
        units = "1 finished unit" if len(self.missing) == 1 else f"{len(self.missing)} finished units"
        because = f" ({'; '.join(causes)})" if causes else ""
        return (
            f"MLflow at {public(self.tracking_uri)} lacks {units}{because}; nothing is lost: the store has the "
            f"results, and the next run sends them, or at once: {command}"
        )
