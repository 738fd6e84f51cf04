"""Whether MLflow would take a sweep, tried before anything runs. Nothing of the trial stays."""

from __future__ import annotations

from panda_ray.execution.store.store import Store
from panda_ray.tracking.experiment import check_is_ours
from panda_ray.tracking.reading.summary_files import asked
from panda_ray.tracking.server.client import connect
from panda_ray.tracking.server.patience import Pulse

_TRIED = "panda_ray.tried"


def check_takes(tracking_uri: str) -> None:
    """Set a tag and remove it.

    Raises:
        InputError: the server, or its database, takes nothing.
    """

    def work(pulse: Pulse) -> None:
        client = connect(tracking_uri, pulse)
        for experiment in client.search_experiments(max_results=1):
            client.set_experiment_tag(experiment.experiment_id, _TRIED, "")
            client.delete_experiment_tag(experiment.experiment_id, _TRIED)

    asked(work, tracking_uri, "takes nothing")


def check_is_free(tracking_uri: str, name: str, store: Store) -> None:
    """Look whether a sweep can be logged under its name.

    Raises:
        InputError: its experiment was deleted, or shows the results of another store.
    """

    def work(pulse: Pulse) -> None:
        check_is_ours(connect(tracking_uri, pulse), name, store)

    asked(work, tracking_uri, "does not say what it has")
