"""Ending a sweep that runs on a cluster: its driver gets a signal, and time to save what its stacks are at."""

from __future__ import annotations

import time

from panda_ray.clusters.open_cluster import Cluster
from panda_ray.errors import InputError
from panda_ray.usecases.remote.asking import ask_head
from panda_ray.usecases.remote.entries import running

_SECONDS = 120.0
_PAUSE = 1.0


def stop(cluster: Cluster, name: str, state: str) -> str:
    """Signal the driver and wait for its end; the id of its job.

    Args:
        state: `pausing` or `cancelling`, which the cluster's note of the sweep says afterwards.

    Raises:
        InputError: the sweep does not run, or its driver has not ended within two minutes.
        UnreachableError: the cluster is not there, or lets us not in.
    """
    job = running(cluster, name)
    if job is None:
        raise InputError(f"{name} does not run on {cluster.title}; `panda-ray jobs` says how its sweeps ended")
    ask_head(cluster, "mark", name, job.id, state)
    cluster.jobs.stop(job.id)
    deadline = time.monotonic() + _SECONDS
    while (now := cluster.jobs.job(job.id)) is not None and now.is_active:
        if time.monotonic() > deadline:
            raise InputError(f"{job.id} has its signal and goes on after {_SECONDS:.0f} seconds; see panda-ray logs")
        time.sleep(_PAUSE)
    return job.id
