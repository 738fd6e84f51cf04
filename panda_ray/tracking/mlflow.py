"""Logs a run to MLflow while it goes on, and never stops it.

The driver's process is the only writer. A background thread logs what is done from the store's records; the store is
the spool, so a server that is away costs nothing: what is missing is sent when it is back, at the end of the run, or by
the next run. Whatever the store holds and the experiment lacks is logged too, so MLflow can be rebuilt from the store.
"""

from __future__ import annotations

import queue
import threading
import time

from panda_ray.execution.events import Listener, Outcome, RunSummary
from panda_ray.execution.plan import Plan
from panda_ray.execution.stack import Stack
from panda_ray.execution.store import Store
from panda_ray.tracking.client import UNREACHABLE, cause, public, tracking_uri_of
from panda_ray.tracking.session import Session
from panda_ray.tracking.similarity import Similarities
from panda_ray.tracking.study import Failure

LINGER_SECONDS = 0.3
"""Members of a stack end together: wait so long for the others, so that they share files and calls."""

PAUSES = (1.0, 2.0, 5.0, 15.0, 30.0)
"""Seconds between attempts while the server is away; the last one repeats."""


class MlflowTracker(Listener):
    """A listener that logs to MLflow.

    Args:
        store: where results are.
        tracking_uri: a server or a database; a SQLite file beside a local store unless given.

    Attributes:
        tracking_uri: where it logs to.
        missing: keys that are done but could not be logged; known after `on_finished`.
        trouble: the last error of the server, or None.

    Raises:
        InputError: for a tracking URI that cannot be one.
    """

    def __init__(self, store: Store, tracking_uri: str | None = None) -> None:
        self._store = store
        self.tracking_uri = tracking_uri_of(store.url, tracking_uri)
        self.missing: frozenset[str] = frozenset()
        self.trouble: str | None = None
        self._worker: _Worker | None = None

    def on_plan(self, plan: Plan) -> None:
        """Start logging: first what is done already."""
        self._worker = _Worker(plan, self._store, self.tracking_uri)
        self._worker.start()

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        """Queue the unit."""
        assert self._worker is not None
        self._worker.outcomes.put(outcome)

    def on_finished(self, summary: RunSummary) -> None:
        """Log what is left, unless the server is away.

        Raises:
            Exception: whatever made the background thread fail, apart from a server that is away.
        """
        if self._worker is None:
            return
        self._worker.finish(_state(summary))
        self.missing, self.trouble = self._worker.missing, self._worker.trouble

    @property
    def message(self) -> str | None:
        """One sentence on what could not be logged, or None."""
        if not self.missing and self.trouble is None:
            return None
        cause = f" ({self.trouble})" if self.trouble else ""
        return (
            f"MLflow at {public(self.tracking_uri)} lacks {len(self.missing)} finished units{cause}; "
            "they are in the store and the next run logs them"
        )


def _state(summary: RunSummary) -> str:
    if summary.interrupted is not None:
        return "interrupted"
    return "finished" if summary.complete else "failed"


class _Worker(threading.Thread):
    """The background thread; a daemon, so that a second Ctrl-C ends the process at once."""

    def __init__(self, plan: Plan, store: Store, tracking_uri: str) -> None:
        super().__init__(name="mlflow-tracker", daemon=True)
        self.outcomes: queue.Queue[Outcome | None] = queue.Queue()
        self.trouble: str | None = None
        self._plan = plan
        self._store = store
        self._tracking_uri = tracking_uri
        self._done = set(plan.done)
        self._failures: dict[str, Outcome] = {}
        self._written = -1
        self._session: Session | None = None
        self._similarities = Similarities(plan, store)
        self._logged: set[str] = set()
        self._attempts = 0
        self._next_attempt = 0.0
        self._state = "running"
        self._error: Exception | None = None

    @property
    def missing(self) -> frozenset[str]:
        """Done but not known to be logged."""
        return frozenset(self._done - self._logged)

    def finish(self, state: str) -> None:
        """Wait until everything is logged or the server turns out to be away; raise what else went wrong."""
        self._state = state
        self.outcomes.put(None)
        self.join()
        if self._error is not None:
            raise self._error

    def run(self) -> None:
        try:
            self._attempt()
            while self._collect():
                if time.monotonic() >= self._next_attempt:
                    self._attempt()
            self._attempt()
        except Exception as error:
            # Raised again by `finish`, in the driver's thread: a bug in here must not stop training half way.
            self._error = error

    def _collect(self) -> bool:
        """Take the next outcomes; False at the end."""
        patience = max(self._next_attempt - time.monotonic(), 0.0) if self.trouble else None
        try:
            outcome = self.outcomes.get(timeout=patience)
        except queue.Empty:
            return True
        time.sleep(LINGER_SECONDS if outcome is not None else 0.0)
        outcomes = [outcome, *(self.outcomes.get() for _ in range(self.outcomes.qsize()))]
        for found in outcomes:
            if found is not None and found.status == "done":
                self._done.add(found.key)
            elif found is not None:
                self._failures[found.key] = found
        return None not in outcomes

    def _attempt(self) -> None:
        """Log everything that is done; a server that is away is tried again later."""
        try:
            if self._session is None:
                self._session = Session(self._plan, self._store, self._similarities, self._tracking_uri)
                self._logged = self._session.logged
            self._session.log([key for key in self._plan.units if key in self.missing])
            self._session.write_progress(self._done, self._state)
            self._write_failures(self._session)
        except UNREACHABLE as error:
            self.trouble = cause(error, self._tracking_uri)
            self._session, self._written = None, -1
            self._next_attempt = time.monotonic() + PAUSES[min(self._attempts, len(PAUSES) - 1)]
            self._attempts += 1
        else:
            self.trouble, self._attempts, self._next_attempt = None, 0, 0.0

    def _write_failures(self, session: Session) -> None:
        """Once at the start, which forgets those of an earlier run, then whenever there are more."""
        if len(self._failures) != self._written:
            session.write_failures(map(self._failure, self._failures.values()))
            self._written = len(self._failures)

    def _failure(self, outcome: Outcome) -> Failure:
        unit = self._plan.units[outcome.key]
        return Failure(
            backbone=unit.backbone.name,
            method=self._plan.label_of[outcome.key],
            source=unit.source or "",
            target=unit.task,
            seed=unit.seed,
            status=outcome.status,
            error=outcome.error or "",
        )
