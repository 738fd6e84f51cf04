"""Logs a run to MLflow while it goes on, and never stops it.

The driver's process is the only writer. A background thread logs what is done from the store's records; the store is
the spool, so a server that is away costs nothing: what is missing is sent when it is back, at the end of the run, or by
the next run. Whatever the store holds and the experiment lacks is logged too, so MLflow can be rebuilt from the store.
"""

from __future__ import annotations

import queue
import threading

from panda_ray.execution.events import Listener, Outcome, RunSummary
from panda_ray.execution.plan import Plan
from panda_ray.execution.stack import Stack
from panda_ray.execution.store import Store
from panda_ray.tracking.uri import public, tracking_uri_of


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
        self._thread: _Thread | None = None

    def on_plan(self, plan: Plan) -> None:
        """Start logging: first what is done already."""
        self._thread = _Thread(plan, self._store, self.tracking_uri)
        self._thread.start()

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        """Queue the unit."""
        assert self._thread is not None
        self._thread.outcomes.put(outcome)

    def on_finished(self, summary: RunSummary) -> None:
        """Log what is left, unless the server is away.

        Raises:
            Exception: whatever made the background thread fail, apart from a server that is away.
        """
        if self._thread is None:
            return
        self._thread.finish(_state(summary))
        self.missing, self.trouble = self._thread.missing, self._thread.trouble

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


class _Thread(threading.Thread):
    """The background thread; a daemon, so that a second Ctrl-C ends the process at once.

    Attributes:
        outcomes: of units as they end; a string comes last and says how the run ended.
        missing, trouble: what `Worker` says of them at the end.
    """

    def __init__(self, plan: Plan, store: Store, tracking_uri: str) -> None:
        super().__init__(name="mlflow-tracker", daemon=True)
        self.outcomes: queue.Queue[Outcome | str] = queue.Queue()
        self.missing: frozenset[str] = frozenset()
        self.trouble: str | None = None
        self._plan, self._store, self._tracking_uri = plan, store, tracking_uri
        self._error: Exception | None = None

    def finish(self, state: str) -> None:
        """Wait until everything is logged or the server turns out to be away; raise what else went wrong."""
        self.outcomes.put(state)
        self.join()
        if self._error is not None:
            raise self._error

    def run(self) -> None:
        try:
            # MLflow takes a second to import: in this thread it holds up no stack.
            from panda_ray.tracking.worker import Worker

            worker = Worker(self._plan, self._store, self._tracking_uri, self.outcomes)
            worker.work()
            self.missing, self.trouble = worker.missing, worker.trouble
        except Exception as error:
            # Raised again by `finish`, in the driver's thread: a bug in here must not stop training half way.
            self._error = error
