"""What MLflow gets besides results: units that were stopped, system metrics of stacks, what a search has tried.

It is kept until MLflow has it; what MLflow has not taken when the run ends is gone, for the store has none of it but a
search's points.
"""

from __future__ import annotations

import time

from panda_ray.execution.store.store import Record
from panda_ray.tracking.searched import Searched
from panda_ray.tracking.stack_usage import StackUsage
from panda_ray.tracking.writing.session import Session

USAGE_SECONDS = 30.0
"""Between two writings of system metrics: two calls for each stack that runs."""


class Besides:
    """What is still to be sent."""

    def __init__(self) -> None:
        self._stopped: dict[str, Record] = {}
        self._usage: dict[str, StackUsage] = {}
        self._usage_at = time.monotonic()
        self._searched: Searched | None = None
        self._is_search_written = False

    def add_stopped(self, record: Record) -> None:
        """A unit that was stopped (`stopped_record`)."""
        self._stopped[record["key"]] = record

    def add_usage(self, usage: StackUsage) -> None:
        """More samples."""
        known = self._usage.get(usage.stack.id, StackUsage(usage.stack, ()))
        self._usage[usage.stack.id] = StackUsage(usage.stack, known.samples + usage.samples)

    def set_search(self, searched: Searched) -> None:
        """What a search has tried by now."""
        self._searched, self._is_search_written = searched, False

    def again(self) -> None:
        """MLflow may have lost what is replaced as a whole."""
        self._is_search_written = False

    def send(self, session: Session, *, is_last: bool) -> None:
        """Send what has come.

        Raises:
            Exception: MLflow does not take it; the rest is kept.
        """
        for key in list(self._stopped):
            session.log_stopped(self._stopped[key])
            del self._stopped[key]
        if is_last or time.monotonic() - self._usage_at >= USAGE_SECONDS:
            for name in list(self._usage):
                session.log_usage(*self._usage[name])
                del self._usage[name]
            self._usage_at = time.monotonic()
        if self._searched is not None and not self._is_search_written:
            session.write_search(self._searched)
            self._is_search_written = True
