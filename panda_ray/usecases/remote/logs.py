"""What the driver of a sweep has said on its cluster, once or as it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from panda_ray.clusters.jobs_api import Job
from panda_ray.clusters.open_cluster import Cluster
from panda_ray.clusters.unreachable import UnreachableError

_PAUSE = 2.0
_BYTES_PER_SECOND = 100_000
"""The Jobs API sends a log from its beginning each time: the longer it is, the less often it is asked for."""

_AWAY_SECONDS = 600.0


class Follower:
    """Reads a job's log as it grows, over a way that may break and comes back.

    Attributes:
        job: as it was known last; None for one that the cluster does not know.
    """

    def __init__(self, cluster: Cluster, submission_id: str, say: Callable[[str], None]) -> None:
        self._cluster, self._id, self._say = cluster, submission_id, say
        self.job: Job | None = None

    def lines(self) -> Iterator[str]:
        """Whole lines with their ends, until the job is over; the last one may lack its end.

        Raises:
            UnreachableError: the cluster has been away for ten minutes.
        """
        shown = 0
        while True:
            log = self._look()
            is_over = self.job is None or not self.job.is_active
            whole = len(log) if is_over else log.rfind("\n") + 1
            yield from log[shown:whole].splitlines(keepends=True)
            shown = max(shown, whole)
            if is_over:
                return
            time.sleep(_PAUSE + len(log) / _BYTES_PER_SECOND)

    def _look(self) -> str:
        """The log; the job is asked first, so that the last of its words is not missed."""
        gone: float | None = None
        while True:
            try:
                self.job = self._cluster.jobs.job(self._id)
                return self._cluster.jobs.logs(self._id)
            except UnreachableError as error:
                if gone is None:
                    gone = time.monotonic()
                    self._say(f"{error}; trying again")
                if time.monotonic() - gone > _AWAY_SECONDS:
                    raise
            time.sleep(_PAUSE)
            with suppress(UnreachableError):
                self._cluster.reopen()
