"""What the background thread of `mlflow.py` does: log what a run finishes until it is told how the run ended."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from panda_ray.errors import InputError
from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.store import Store
from panda_ray.secrets import public
from panda_ray.tracking.experiment import remake
from panda_ray.tracking.searched import Searched
from panda_ray.tracking.server.patience import Pulse
from panda_ray.tracking.server.trouble import is_lasting, reason
from panda_ray.tracking.snapshot import Snapshot
from panda_ray.tracking.stack_usage import StackUsage
from panda_ray.tracking.writing.besides import Besides
from panda_ray.tracking.writing.failed_units import Failures
from panda_ray.tracking.writing.session import Session
from panda_ray.tracking.writing.similarity_table import Similarities
from panda_ray.tracking.writing.turn import Turn
from panda_ray.tracking.writing.unit_runs.stopped import stopped_record

LINGER_SECONDS = 0.3
"""Members of a stack end together: wait so long for the others, so that they share files and calls."""

PAUSES = (1.0, 2.0, 5.0, 15.0, 30.0)
"""Seconds between attempts while the server is away; the last one repeats."""

TABLE_SECONDS = 30.0
"""Between two writings of the table of all scores, which grows with the sweep."""

SNAPSHOT_SECONDS = 30.0
"""Between two writings of where the sweep stands, while nothing happens."""

NEWS_SECONDS = 5.0
"""Between two of them when stacks start or units end."""

REFUSED = "refused"
"""How a run ended that was not begun, because of what no wait can mend."""

_OTHER = "another process is logging this sweep, which sends what there is at its end"

_log = logging.getLogger(__name__)


class Worker:
    """Logs one run of a plan.

    Args:
        outcomes: of units as they end, the plan whenever it has grown, stacks that start, what their machines do, and
            what a search has tried; a string comes last and says how the run ended.
        pulse: beats at each answer of MLflow.
        answered: set once the first attempt has shown whether MLflow takes anything.
        snapshots: where the sweep stands when it is asked.
        rebuild: first put what MLflow has of the sweep aside.

    Attributes:
        trouble: why the last attempt failed, or None.
        lasting: the same, where no wait can help.
        is_busy: whether it is about to log.
        is_waiting: whether another process logs this sweep.
        logged: keys of units that MLflow has.
        refused: keys of units that it does not take, and why.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        tracking_uri: str,
        outcomes: queue.Queue[Outcome | Plan | Stack | StackUsage | Searched | str],
        pulse: Pulse,
        answered: threading.Event,
        snapshots: Callable[[], Snapshot | None],
        rebuild: bool = False,
    ) -> None:
        self.trouble: str | None = None
        self.lasting: str | None = None
        self.is_busy = False
        self.is_waiting = False
        self.logged: frozenset[str] = frozenset()
        self.refused: dict[str, str] = {}
        self._plan = plan
        self._store = store
        self._tracking_uri = tracking_uri
        self._outcomes = outcomes
        self._pulse = pulse
        self._answered = answered
        self._snapshots = snapshots
        self._snapshot_at = 0.0
        self._rebuild = rebuild
        self._done = set(plan.done)
        self._new: set[str] = set()
        self._besides = Besides()
        self._failures = Failures(plan, store, self._done)
        self._table_at = 0.0
        self._session: Session | None = None
        self._turn = Turn(store, plan.sweep.name)
        self._similarities = Similarities(plan, store)
        self._attempts = 0
        self._next_attempt = 0.0
        self._state = "running"

    @property
    def done(self) -> frozenset[str]:
        """Keys of the units of which it knows that they have a result."""
        return frozenset(self._done)

    def work(self) -> None:
        """Log everything that is done, until the run has ended and everything is logged or the server is away."""
        try:
            self._attempt()
            while self._state == "running":
                self._collect()
                if self._state == REFUSED:
                    return
                if self._state != "running" or time.monotonic() >= self._next_attempt:
                    self._attempt()
        finally:
            self._turn.give_back()

    def _collect(self) -> None:
        """Take the next outcomes, or none where it is time for the next attempt or snapshot."""
        until = self._next_attempt if self.trouble or self.is_waiting else self._snapshot_at
        try:
            outcome = self._outcomes.get(timeout=max(until - time.monotonic(), 0.0))
        except queue.Empty:
            return
        self._snapshot_at = min(self._snapshot_at, time.monotonic() + NEWS_SECONDS)
        if isinstance(outcome, Outcome):
            time.sleep(LINGER_SECONDS)
        for found in [outcome, *(self._outcomes.get() for _ in range(self._outcomes.qsize()))]:
            if isinstance(found, str):
                self._state = found
            elif isinstance(found, Stack):
                continue
            elif isinstance(found, Searched):
                self._besides.set_search(found)
            elif isinstance(found, StackUsage):
                self._besides.add_usage(found)
            elif isinstance(found, Plan):
                self._plan = found
                self._done |= found.done
                if self._session is not None:
                    self._session.grow(found)
            elif found.status == "done":
                self._done.add(found.key)
                self._new.add(found.key)
                self._failures.forget(found.key)
            elif found.status == "stopped":
                self._besides.add_stopped(stopped_record(self._plan.units[found.key], found, self._plan.sweep.tasks))
            else:
                self._failures.add(found)

    def _attempt(self) -> None:
        """Log everything that is done; whatever goes wrong is remembered, and tried again later."""
        self._pulse.beat()
        self.is_busy = True
        try:
            self.is_waiting = not self._turn.take()
            if self.is_waiting:
                self._wait()
            else:
                self._log_everything()
            self.trouble = _OTHER if self.is_waiting else None
        except Exception as error:
            _log.debug("MLflow", exc_info=True)
            self.trouble = reason(error, self._tracking_uri)
            self.lasting = self._refusal(error) if is_lasting(error) else None
            self._session, self._failures.are_new = None, True
            self._besides.again()
            self._wait()
        else:
            self.lasting = None
            if not self.is_waiting:
                self._attempts, self._next_attempt = 0, 0.0
        self.is_busy = False
        self._answered.set()

    def _refusal(self, error: Exception) -> str:
        """What is told before the first stack."""
        if isinstance(error, InputError):
            return str(error)
        return (
            f"MLflow at {public(self._tracking_uri)} cannot be used: {reason(error, self._tracking_uri)}; mend that, "
            "or log elsewhere with --set tracking_uri=sqlite:///FILE (or http://HOST:PORT)"
        )

    def _wait(self) -> None:
        self._next_attempt = time.monotonic() + PAUSES[min(self._attempts, len(PAUSES) - 1)]
        self._attempts += 1

    def _log_everything(self) -> None:
        session = self._session
        if session is None:
            if self._rebuild:
                remake(self._plan.sweep.name, self._tracking_uri, self._pulse)
                self._rebuild = False
            session = Session(self._plan, self._store, self._similarities, self._tracking_uri, self._pulse)
            self._answered.set()
            session.take_stock()
            self._session = session
        if self._state != "running" and (rest := self._plan.units.keys() - self._done):
            self._done |= self._store.done_keys(rest)  # what another driver on this store has finished
        self._log_units(session)
        session.log_models()
        self._besides.send(session, is_last=self._state != "running")
        if self._state != "running" or time.monotonic() >= self._table_at:
            session.write_scores()
            session.write_page(self._state)
            self._table_at = time.monotonic() + TABLE_SECONDS
        session.write_progress(self._done, self._state)
        if self._failures.are_new:
            session.write_failures(self._failures.of(self._plan))
            self._failures.are_new = False
        self._write_snapshot(session)

    def _write_snapshot(self, session: Session) -> None:
        if self._state == "running" and time.monotonic() < self._snapshot_at:
            return
        if (snapshot := self._snapshots()) is not None:
            session.write_snapshot(snapshot)
        self._snapshot_at = time.monotonic() + SNAPSHOT_SECONDS

    def _log_units(self, session: Session) -> None:
        self.logged = session.logged
        wanted = [key for key in self._plan.units if key in self._done and self._is_wanted(key)]
        try:
            for _ in session.log(wanted, self._new):
                self.logged = session.logged  # whoever waits no longer says what is missing by it
        finally:
            self.logged = session.logged
            self.refused.update(session.refused)
            self._new -= self.logged

    def _is_wanted(self, key: str) -> bool:
        return key not in self.refused and (key in self._new or key not in self.logged)
