"""The runs of stacks, where a sweep asks for system metrics: what the machine of each did while it trained.

A stack's run lies under its backbone's, and its units' tag `stack` names it. Like every run it is ended as soon as it
exists. The store keeps no samples: what MLflow has lost of them is lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlflow import MlflowClient
from mlflow.entities import Metric, RunInfo

from panda_ray.execution.planning.stack import Stack
from panda_ray.tracking.runs import PRODUCT, STACK, search
from panda_ray.tracking.writing.unit_runs.unit_run import LONGEST_NAME, METRICS_PER_CALL
from panda_ray.training.engine.epoch_report import Usage

_PREFIX = "system/"
"""By which MLflow's pages know system metrics."""


class StackRuns:
    """The runs of stacks in one experiment; those of earlier drivers are gone on with."""

    def __init__(self, client: MlflowClient, experiment_id: str) -> None:
        self._client = client
        self._experiment_id = experiment_id
        found = search(client, experiment_id, f"tags.{PRODUCT} = '{STACK}'")
        self._runs = {run.data.tags[STACK]: run.info for run in found}

    def log(self, stack: Stack, samples: Sequence[Usage], parent_id: str) -> None:
        """Log samples of a stack, in the order in which they were taken; the same ones again change nothing.

        Raises:
            Exception: MLflow does not take them.
        """
        first, last = _milliseconds(samples[0]), _milliseconds(samples[-1])
        if stack.id not in self._runs:
            self._runs[stack.id] = self._create(stack, first, parent_id)
        run = self._runs[stack.id]
        self._client.set_terminated(run.run_id, "FINISHED", last)
        points = [point for sample in samples for point in _points(sample, run.start_time)]
        for start in range(0, len(points), METRICS_PER_CALL):
            self._client.log_batch(run.run_id, points[start : start + METRICS_PER_CALL])

    def _create(self, stack: Stack, start: int, parent_id: str) -> RunInfo:
        unit = stack.members[0]
        tags = {
            "mlflow.parentRunId": parent_id,
            PRODUCT: STACK,
            STACK: stack.id,
            "target": unit.task,
            "backbone": unit.backbone.name,
        }
        return self._client.create_run(self._experiment_id, start, tags, stack.title[:LONGEST_NAME]).info


def _points(sample: Usage, start: int) -> list[Metric]:
    """With the seconds since the run began as their step, which goes on when a stack does after a pause."""
    time = _milliseconds(sample)
    step = max(time - start, 0) // 1000
    return [Metric(_PREFIX + name, value, time, step) for name, value in sample.values.items()]


def _milliseconds(sample: Usage) -> int:
    return int(sample.time * 1000)
