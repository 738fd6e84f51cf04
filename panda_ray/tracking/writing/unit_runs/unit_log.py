"""What MLflow has of a plan's units: each has one run, whole, of its present result.

A driver may have been killed between any two calls, and two may have raced: what was cut short is logged again in
place, and of twins one is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from mlflow import MlflowClient

from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.results.unit_files import content
from panda_ray.execution.store.store import Record, Store
from panda_ray.execution.units.artifacts import PREDICTIONS_FILE
from panda_ray.tracking.runs import STOPPED
from panda_ray.tracking.server.trouble import reason
from panda_ray.tracking.writing.unit_runs.logged_runs import NEVER, LoggedRun, logged_runs, runs_with_artifacts
from panda_ray.tracking.writing.unit_runs.unit_labels import labels_of
from panda_ray.tracking.writing.unit_runs.unit_run import (
    known_unit_run,
    log_unit,
    new_unit_run,
    times_of,
    unit_tags,
)

_REFUSED_IN_A_ROW = 3
"""Units that MLflow does not take before the cause is looked for in the server, not in them."""


class UnitLog:
    """The runs of units in one experiment.

    Attributes:
        run_of: ids of runs, by key.
        complete: keys of units whose run is whole.
        refused: keys of units that could not be logged, and why.
    """

    def __init__(self, client: MlflowClient, experiment_id: str, store: Store, tracking_uri: str) -> None:
        self.run_of: dict[str, str] = {}
        self.complete: set[str] = set()
        self.refused: dict[str, str] = {}
        self._client = client
        self._experiment_id = experiment_id
        self._store = store
        self._tracking_uri = tracking_uri
        self._times_of: dict[str, tuple[int, int]] = {}

    def take_stock(self, plan: Plan, ended: Mapping[str, int]) -> None:
        """Find what is logged; remove what a race of two drivers made twice.

        Args:
            ended: when the units' results were made, as far as that is known (milliseconds since 1970).
        """
        whole = runs_with_artifacts(self._client, self._experiment_id, self._tracking_uri)
        logged = logged_runs(self._client, self._experiment_id, self._tracking_uri)
        for key, twins in groupby(logged, key=lambda run: run.key):
            first, *others = twins
            self.run_of[key], self._times_of[key] = first.run_id, (first.start_time, first.end_time)
            is_of_the_result = ended.get(key, first.end_time) == first.end_time
            if is_of_the_result and _is_current(plan, first) and (whole is None or first.run_id in whole):
                self.complete.add(key)
            for run in others:
                self._discard(run.run_id)

    def log(self, plan: Plan, records: Iterable[Record], parent_id: str, predictions: Mapping[str, bytes]) -> None:
        """Log units as children of a summary run.

        Args:
            predictions: contents of their files of predictions that were read already, by key.

        Raises:
            Exception: what keeps MLflow from taking anything. What it says of one unit alone is in `refused`.
        """
        in_a_row = 0
        for record in records:
            try:
                self._log_unit(plan, record, parent_id, predictions.get(record["key"]))
                in_a_row = 0
            except Exception as error:
                self._client.get_experiment(self._experiment_id)  # raises where the server is away
                in_a_row += 1
                if in_a_row == _REFUSED_IN_A_ROW:
                    raise
                self.refused[record["key"]] = reason(error, self._tracking_uri)

    def _log_unit(self, plan: Plan, record: Record, parent_id: str, predictions: bytes | None) -> None:
        key = record["key"]
        files = {} if predictions is None else {PREDICTIONS_FILE: predictions}
        others = [(key, name) for name in record["files"] if name not in files]
        files |= {name: content(data) for (_, name), data in self._store.read_files(others, {key: record}).items()}
        labels = labels_of(plan, record)
        run_id, times = self.run_of.get(key), times_of(record)
        if run_id is not None and self._times_of.get(key) not in (times, (times[0], NEVER)):
            # Of a result that was computed anew: MLflow keeps parameters and points for ever, so this needs a new run.
            self._discard(run_id)
            run_id = None
        if run_id is None:
            run = new_unit_run(self._client, record, labels, experiment_id=self._experiment_id, parent_id=parent_id)
            self.run_of[key], self._times_of[key] = run.run_id, times
            tags = {}
        else:
            run = known_unit_run(self._client, record, run_id)
            tags = unit_tags(record, labels, parent_id)
        log_unit(self._client, record, files, run=run, tags=tags)
        if STOPPED not in record:
            self.complete.add(key)
        self.refused.pop(key, None)

    def _discard(self, run_id: str) -> None:
        """Remove a run, which MLflow keeps as a deleted one: not as one that still runs."""
        self._client.set_terminated(run_id, "KILLED")
        self._client.delete_run(run_id)


def _is_current(plan: Plan, run: LoggedRun) -> bool:
    """Complete, of a result, and the unit is still to the sweep what it was; a source may have become a cell."""
    if run.is_stopped or run.is_cut or run.key not in plan.units:
        return not run.is_stopped and not run.is_cut
    return run.role == plan.role_of[run.key] and run.label == plan.label_of[run.key]
