"""Whether a tracking server answers, how soon, and what it is."""

from __future__ import annotations

import time
from dataclasses import dataclass

from panda_ray.tracking.reading.summary_files import asked
from panda_ray.tracking.server.client import connect_to_read
from panda_ray.tracking.server.http import server_time, server_version
from panda_ray.tracking.server.patience import Pulse


@dataclass(frozen=True)
class Health:
    """What a server said.

    Attributes:
        version: of MLflow there; None where a database is asked directly.
        seconds: that a small question took.
        skew: seconds that its clock is ahead of the one here.
    """

    version: str | None
    seconds: float
    skew: float


def health_of(tracking_uri: str) -> Health:
    """Ask a server, or a database, something small.

    Raises:
        InputError: nobody answers, or it is not MLflow.
    """

    def ask(pulse: Pulse) -> Health:
        client = connect_to_read(tracking_uri, pulse)
        client.search_experiments(max_results=1)
        started = time.monotonic()
        client.search_experiments(max_results=1)
        seconds = time.monotonic() - started
        return Health(server_version(tracking_uri), seconds, server_time(tracking_uri) - time.time())

    return asked(ask, tracking_uri, "does not answer as MLflow does")
