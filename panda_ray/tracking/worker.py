"""What the background thread of `mlflow.py` does: log what a run finishes until it is told how the run ended."""

from __future__ import annotations

import queue
import time

from panda_ray.execution.events import Outcome
from panda_ray.execution.plan import Plan
from panda_ray.execution.store import Store
from panda_ray.tracking.client import UNREACHABLE, cause
from panda_ray.tracking.session import Session
from panda_ray.tracking.similarity import Similarities
from panda_ray.tracking.study import Failure

LINGER_SECONDS = 0.3
"""Members of a stack end together: wait so long for the others, so that they share files and calls."""

PAUSES = (1.0, 2.0, 5.0, 15.0, 30.0)
"""Seconds between attempts while the server is away; the last one repeats."""


class Worker:
    """Logs one run of a plan.

    Args:
        outcomes: of units as they end; a string comes last and says how the run ended.

    Attributes:
        trouble: the last error of the server, or None.
    """

    def __init__(self, plan: Plan, store: Store, tracking_uri: str, outcomes: queue.Queue[Outcome | str]) -> None:
        self.trouble: str | None = None
        self._plan = plan
        self._store = store
        self._tracking_uri = tracking_uri
        self._outcomes = outcomes
        self._done = set(plan.done)
        self._failures: dict[str, Outcome] = {}
        self._written = -1
        self._session: Session | None = None
        self._similarities = Similarities(plan, store)
        self._logged: set[str] = set()
        self._attempts = 0
        self._next_attempt = 0.0
        self._state = "running"

    @property
    def missing(self) -> frozenset[str]:
        """Done but not known to be logged."""
        return frozenset(self._done - self._logged)

    def work(self) -> None:
        """Log everything that is done, until the run has ended and everything is logged or the server is away."""
        self._attempt()
        while self._state == "running":
            self._collect()
            if self._state != "running" or time.monotonic() >= self._next_attempt:
                self._attempt()

    def _collect(self) -> None:
        """Take the next outcomes, or none where it is time for the next attempt."""
        patience = max(self._next_attempt - time.monotonic(), 0.0) if self.trouble else None
        try:
            outcome = self._outcomes.get(timeout=patience)
        except queue.Empty:
            return
        if isinstance(outcome, Outcome):
            time.sleep(LINGER_SECONDS)
        for found in [outcome, *(self._outcomes.get() for _ in range(self._outcomes.qsize()))]:
            if isinstance(found, str):
                self._state = found
            elif found.status == "done":
                self._done.add(found.key)
            else:
                self._failures[found.key] = found

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
