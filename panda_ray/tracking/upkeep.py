"""What drivers that died left in MLflow: sweeps that are said to run, and runs that nobody ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Experiment, ViewType

from panda_ray.tracking.experiment import find_experiment
from panda_ray.tracking.reading.read_progress import STALE_SECONDS, heard_of
from panda_ray.tracking.reading.summary_files import asked
from panda_ray.tracking.runs import STATE, SWEEP, search, summary_runs
from panda_ray.tracking.server.client import connect_to_read
from panda_ray.tracking.server.http import server_time
from panda_ray.tracking.server.patience import Pulse

_RUNNING = "attributes.status = 'RUNNING'"


@dataclass(frozen=True)
class StaleSweep:
    """A sweep whose driver was not heard of for long.

    Attributes:
        summaries: ids of its summary runs that are said to run.
        runs: ids of its other runs that nobody has ended.
    """

    name: str
    summaries: tuple[str, ...]
    runs: tuple[str, ...]


def stale_sweeps(tracking_uri: str, sweep: str | None = None) -> list[StaleSweep]:
    """Sweeps, or one of them, that MLflow takes for running while their driver is gone or cannot reach MLflow.

    Raises:
        InputError: the server cannot be reached.
    """

    def look(pulse: Pulse) -> list[StaleSweep]:
        client = connect_to_read(tracking_uri, pulse)
        now = server_time(tracking_uri)
        found = (_stale(client, experiment, now, pulse) for experiment in _experiments(client, sweep))
        return [each for each in found if each.summaries or each.runs]

    return asked(look, tracking_uri, "cannot be read")


def end_stale(tracking_uri: str, stale: Sequence[StaleSweep]) -> int:
    """Mark them as interrupted, and their runs as killed; how many runs were.

    The next driver logs such a unit anew, and says that its sweep runs.

    Raises:
        InputError: the server cannot be reached, or takes nothing.
    """

    def end(pulse: Pulse) -> int:
        client = connect_to_read(tracking_uri, pulse)
        for each in stale:
            for run_id in each.summaries:
                client.set_tag(run_id, STATE, "interrupted")
            for run_id in each.runs:
                client.set_terminated(run_id, "KILLED")
        return sum(len(each.summaries) + len(each.runs) for each in stale)

    return asked(end, tracking_uri, "takes nothing")


def _experiments(client: MlflowClient, sweep: str | None) -> list[Experiment]:
    if sweep is not None:
        found = find_experiment(client, sweep)
        return [] if found is None else [found]
    listed = client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
    return [experiment for experiment in listed if experiment.tags.get(SWEEP)]


def _stale(client: MlflowClient, experiment: Experiment, now: float, pulse: Pulse) -> StaleSweep:
    summaries = summary_runs(client, experiment.experiment_id).values()
    heard = [heard_of(client, run, now, pulse) for run in summaries]
    if any(seconds <= STALE_SECONDS for seconds in heard):
        return StaleSweep(experiment.tags[SWEEP], (), ())
    own = {run.info.run_id for run in summaries}
    said = tuple(run.info.run_id for run in summaries if run.data.tags.get(STATE) == "running")
    cut = [run for run in search(client, experiment.experiment_id, _RUNNING) if run.info.run_id not in own]
    old = [run for run in cut if time.time() - run.info.start_time / 1000 > STALE_SECONDS]
    return StaleSweep(experiment.tags[SWEEP], said, tuple(run.info.run_id for run in old))
