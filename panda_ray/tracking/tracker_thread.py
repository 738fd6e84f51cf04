"""The thread of a run in which MLflow is talked to: no server can keep the process alive, or hold the training."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.store import Store
from panda_ray.tracking.searched import Searched
from panda_ray.tracking.server.patience import Pulse, SilentError
from panda_ray.tracking.snapshot import Snapshot
from panda_ray.tracking.stack_usage import StackUsage

if TYPE_CHECKING:
    from panda_ray.tracking.writing.worker import Worker

START_SECONDS = 60.0
"""That the first stack waits for MLflow's first answer: longer than a request over HTTP may take."""

_log = logging.getLogger(__name__)


class TrackerThread(threading.Thread):
    """Takes news of a run, and logs them in their order; a daemon.

    Attributes:
        missing: keys that are done and not known to be logged, at the end.
        trouble, refused: what `Worker` says of them at the end.
        is_silent: whether it was left behind because MLflow does not answer.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        tracking_uri: str,
        snapshots: Callable[[], Snapshot | None],
        rebuild: bool,
    ) -> None:
        super().__init__(name="mlflow-tracker", daemon=True)
        self._outcomes: queue.Queue[Outcome | Plan | Stack | StackUsage | Searched | str] = queue.Queue()
        self.missing: frozenset[str] = frozenset()
        self.trouble: str | None = None
        self.refused: dict[str, str] = {}
        self.is_silent = False
        self._plan, self._store, self._tracking_uri, self._rebuild = plan, store, tracking_uri, rebuild
        self._snapshots = snapshots
        self._pulse = Pulse()
        self._answered = threading.Event()
        self._worker: Worker | None = None
        self._done = set(plan.done)

    def grow(self, plan: Plan) -> None:
        """What the plan is from now on."""
        self._done |= plan.done
        self._outcomes.put(plan)

    def take(self, news: Outcome | Stack | StackUsage | Searched) -> None:
        """A unit that ended, a stack that started, what its machine does, or what a search has found."""
        if isinstance(news, Outcome) and news.status == "done":
            self._done.add(news.key)
        self._outcomes.put(news)

    def first_answer(self) -> tuple[str | None, str | None]:
        """What is wrong for the moment, and what will be wrong after any wait."""
        if not self._answered.wait(START_SECONDS):
            return f"it has not answered for {START_SECONDS:.0f} s", None
        if self._worker is None:
            return self.trouble, None
        return self._worker.trouble, self._worker.lasting

    def finish(self, state: str, seconds: float) -> None:
        """Wait until everything is logged, the server turns out to be away or silent, or the time is over."""
        if self._worker is None or not self._worker.is_busy:
            self._pulse.beat()
        self._outcomes.put(state)
        deadline = time.monotonic() + seconds
        while self.is_alive() and not self._pulse.stopped and time.monotonic() < deadline:
            self.join(0.1)
        self.is_silent = self.is_alive() and self._pulse.stopped
        self.missing = frozenset(self._done)
        if self._worker is not None:
            self.missing = (self.missing | self._worker.done) - self._worker.logged
            self.refused = dict(self._worker.refused)
            self.trouble = self.trouble or self._worker.trouble
        if self.is_silent:
            self.trouble = str(SilentError())
        elif self.is_alive():
            self.trouble = f"it was not done {seconds:.0f} s after the last result"

    def run(self) -> None:
        try:
            # MLflow takes a second to import: in this thread it does so while the data sets' plan is made ready.
            from panda_ray.tracking.writing.worker import Worker

            arguments = (self._plan, self._store, self._tracking_uri, self._outcomes, self._pulse, self._answered)
            self._worker = Worker(*arguments, self._snapshots, rebuild=self._rebuild)
            self._worker.work()
        except Exception as error:
            # Whatever it is, even a bug in here: it must not stop training half way, and results are safe.
            _log.debug("MLflow", exc_info=True)
            self.trouble = f"{type(error).__name__}: {error}"
            self._answered.set()
