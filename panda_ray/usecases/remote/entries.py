"""The sweeps of a cluster, as its jobs and its notes know them together.

The history of jobs ends with the head; notes live as long as the storage, but end with their driver. So what a note
says of a running driver counts only while there is a job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panda_ray.clusters.jobs_api import Job
from panda_ray.clusters.open_cluster import Cluster
from panda_ray.errors import InputError, unknown_name
from panda_ray.usecases.remote.asking import KIND, ask_head
from panda_ray.usecases.remote.progress_line import last_progress

_ASKED_FOR = {"pausing": "paused", "cancelling": "cancelled"}
_ENDED = {"STOPPED": "stopped", "FAILED": "broken", "SUCCEEDED": "done"}


@dataclass(frozen=True)
class Entry:
    """A sweep on a cluster.

    Attributes:
        id: of its last job.
        state: pending, running, pausing, paused, cancelling, cancelled, stopped, failed (some cells), refused, broken
            (the driver is gone without a word) or done.
        since: seconds since 1970, of the state; None where nobody knows.
        progress: the last that its driver said of it; None where its log is gone.
    """

    sweep: str
    id: str
    state: str
    since: float | None
    progress: str | None = None

    @property
    def is_active(self) -> bool:
        """Whether a driver runs, or is about to."""
        return self.state in ("pending", "running", "pausing", "cancelling")


def driver_jobs(cluster: Cluster) -> dict[str, Job]:
    """The last job of every sweep that the head has started since it is up."""
    found: dict[str, Job] = {}
    for job in cluster.jobs.jobs():
        if job.metadata.get(KIND) == "sweep":
            name = job.metadata["sweep"]
            if name not in found or number(job.id) > number(found[name].id):
                found[name] = job
    return found


def number(submission_id: str) -> int:
    """The n of `<sweep>-<n>`."""
    return int(submission_id.rpartition("-")[2])


def entry_of(name: str, job: Job | None, note: Mapping[str, Any] | None) -> Entry | None:
    """What a job and a note say together; None where there is neither."""
    if job is not None and (note is None or note["id"] != job.id):
        state = job.status.lower() if job.is_active else _ENDED[job.status]
        return Entry(name, job.id, state, job.started if job.is_active else job.ended)
    if note is None:
        return None
    state, since = str(note["state"]), float(note["since"])
    if job is not None and job.is_active:
        return Entry(name, job.id, state if state in _ASKED_FOR else "running", since)
    if state == "running":
        return Entry(name, note["id"], "broken", since)
    return Entry(name, note["id"], _ASKED_FOR.get(state, state), since)


def entries(cluster: Cluster) -> list[Entry]:
    """Every sweep of the cluster, the latest first.

    Raises:
        InputError: the head does not answer.
    """
    jobs = driver_jobs(cluster)
    notes = {note["sweep"]: note for note in ask_head(cluster, "list")["submissions"]}
    found = [entry_of(name, jobs.get(name), notes.get(name)) for name in {*jobs, *notes}]
    told = [_with_progress(cluster, entry, entry.sweep in jobs) for entry in found if entry is not None]
    return sorted(told, key=lambda entry: entry.since or 0.0, reverse=True)


def running(cluster: Cluster, name: str) -> Job | None:
    """The job of a sweep that runs or is about to."""
    job = driver_jobs(cluster).get(name)
    return job if job is not None and job.is_active else None


def last_job(cluster: Cluster, name: str) -> Job:
    """The last job of a sweep, running or not.

    Raises:
        InputError: the head has started none since it is up.
    """
    jobs = driver_jobs(cluster)
    if name in jobs:
        return jobs[name]
    if not jobs:
        raise InputError(f"{cluster.title} has run no sweep since its head is up; `panda-ray jobs` lists older ones")
    raise unknown_name("sweep", name, jobs, cluster.title)


def _with_progress(cluster: Cluster, entry: Entry, has_log: bool) -> Entry:
    said = last_progress(cluster.jobs.logs(entry.id)) if has_log else None
    return Entry(entry.sweep, entry.id, entry.state, entry.since, said)
