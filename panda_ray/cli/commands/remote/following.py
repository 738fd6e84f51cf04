"""A driver's log on stdout, and the exit status that its job gives us."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from panda_ray.cli.console import stderr

if TYPE_CHECKING:
    from panda_ray.clusters.open_cluster import Cluster

EXIT_JOB_FAILED = 1


def for_people(lines: Iterable[str]) -> Iterator[str]:
    """A log without what it says to programs."""
    from panda_ray.usecases.watching.event_lines import is_event

    return (line for line in lines if not is_event(line))


def follow(cluster: Cluster, submission_id: str, pick: Callable[[Iterable[str]], Iterator[str]] = for_people) -> int:
    """Stream a log until its job is over; Ctrl-C leaves the job alone.

    Args:
        pick: what is written of its lines.
    """
    from panda_ray.usecases.remote.logs import Follower

    follower = Follower(cluster, submission_id, lambda text: stderr.print(text, style="yellow", markup=False))
    try:
        for text in pick(follower.lines()):
            sys.stdout.write(text)
            sys.stdout.flush()
    except KeyboardInterrupt:
        stderr.print(f"\n{submission_id} goes on; read on with panda-ray logs", markup=False)
        return 0
    return 0 if follower.job is not None and follower.job.status == "SUCCEEDED" else EXIT_JOB_FAILED
