"""System metrics of stacks as they come from workers, through the tracker into a real MLflow."""

from __future__ import annotations

from pathlib import Path

from panda_ray.execution.events import RunSummary
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.store import Store
from panda_ray.tracking.mlflow import MlflowTracker
from panda_ray.tracking.reading.read_study import read_study
from panda_ray.tracking.server.client import connect
from panda_ray.training.engine.epoch_report import EpochReport, Usage
from support.sweeps.tracked import assert_one_finished_run_per_unit, assert_same_study, filled, runs_of

BEGAN = 1_800_000_000.0


def driven(plan: Plan, store: Store, stack: Stack, *reports: tuple[float, ...]) -> str:
    """A driver that hears reports of a stack with a sample at each of the times; returns where it logged."""
    tracker = MlflowTracker(store)
    tracker.start(plan)
    for number, times in enumerate(reports, 1):
        usage = tuple(Usage(BEGAN + time, {"cpu_utilization_percentage": time}) for time in times)
        tracker.on_epoch(stack, EpochReport(number, 9, {}, {}, {}, 1.0, 1.0, ("panda2",), usage))
    tracker.on_finished(RunSummary(plan, done=plan.done))
    assert not tracker.missing
    return tracker.tracking_uri


def test_a_stacks_run_has_the_samples_of_all_drivers_once_and_is_no_units(storage: Path) -> None:
    plan, store = filled(storage)
    first, second = (Stack(tuple(units)) for units in ([*plan.units.values()][:2], [*plan.units.values()][2:3]))
    uri = driven(plan, store, first)
    before, client = read_study(uri, "small"), connect(uri)
    assert not [run for run in runs_of(client) if run.data.tags["product"] == "stack"], "none without samples"

    driven(plan, store, first, (0.5, 10.5), (), (20.5,))
    driven(plan, store, first, (100.5, 110.5))
    driven(plan, store, second, (7.0,))
    stacks = {run.data.tags["stack"]: run for run in runs_of(client) if run.data.tags["product"] == "stack"}
    assert stacks.keys() == {first.id, second.id}
    run = stacks[first.id]
    curve = client.get_metric_history(run.info.run_id, "system/cpu_utilization_percentage")
    found = sorted((point.step, point.timestamp, point.value) for point in curve)
    assert found == [(int(t - 0.5), int(1000 * (BEGAN + t)), t) for t in (0.5, 10.5, 20.5, 100.5, 110.5)]
    assert (run.info.status, run.info.run_name) == ("FINISHED", first.title)
    assert (run.info.start_time, run.info.end_time) == (int(1000 * (BEGAN + 0.5)), int(1000 * (BEGAN + 110.5)))
    [summary] = [run for run in runs_of(client) if run.data.tags["product"] == "summary"]
    assert run.data.tags["mlflow.parentRunId"] == summary.info.run_id

    assert_one_finished_run_per_unit(client, plan)
    assert_same_study(before, read_study(uri, "small"))
