"""A small sweep with invented results and a real MLflow to track it: a SQLite file, or a server that comes and goes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from panda_ray.execution.events import Outcome, RunSummary
from panda_ray.execution.planning.plan import Plan, build_plan
from panda_ray.execution.store.store import Store
from panda_ray.sweep import Sweep
from panda_ray.tracking.mlflow import MlflowTracker
from panda_ray.tracking.reading.study import Study
from support.sweeps.records import publish

COMMAND = "panda-ray track x.yaml"

SOURCES, TARGETS = ["review", "follows"], ["remark", "choice"]


def make_sweep(storage: Path, targets: list[str] = TARGETS, seeds: tuple[int, ...] = (11, 12)) -> Sweep:
    return Sweep.model_validate(
        {
            "name": "small",
            "storage": str(storage),
            "backbones": [{"name": "builtin-tiny"}],
            "sources": SOURCES,
            "targets": targets,
            "methods": [{"method": "prompt_tuning"}, {"method": "pot"}, {"method": "panda", "label": "PanDa <b>"}],
            "metrics": [{"metric": "task_embedding"}, {"metric": "constant"}],
            "seeds": list(seeds),
        }
    )


def filled(storage: Path, seeds: tuple[int, ...] = (11,)) -> tuple[Plan, Store]:
    """A small sweep whose every unit is in the store."""
    store = Store(str(storage))
    sweep = make_sweep(storage, targets=["remark"], seeds=seeds)
    publish(build_plan(sweep, store), store)
    return build_plan(sweep, store), store


def track(
    plan: Plan, store: Store, uri: str | None = None, new: list[str] | None = None, rebuild: bool = False
) -> MlflowTracker:
    """What a driver does that finds `plan.done` and finishes the units `new`."""
    tracker = MlflowTracker(store, uri)
    tracker.start(plan, rebuild=rebuild)
    for key in new or []:
        tracker.on_outcome(None, Outcome(key, "done"))
    tracker.on_finished(RunSummary(plan, done=plan.done | frozenset(new or [])))
    return tracker


def runs_of(client: MlflowClient) -> list[Run]:
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL, max_results=1000))


def assert_one_finished_run_per_unit(client: MlflowClient, plan: Plan) -> None:
    runs = runs_of(client)
    assert {run.info.status for run in runs} == {"FINISHED"}
    keys = [run.data.tags["key"] for run in runs if "key" in run.data.tags]
    assert sorted(keys) == sorted(plan.units)
    summaries = [run for run in runs if run.data.tags["product"] == "summary"]
    assert len(summaries) == 1
    parents = {run.data.tags["mlflow.parentRunId"] for run in runs if "key" in run.data.tags}
    assert parents == {summaries[0].info.run_id}
    assert all(run.data.tags.get("complete") == "true" for run in runs if "key" in run.data.tags)


def assert_same_study(one: Study, other: Study) -> None:
    """Everything that a report is made from, but for the commit."""
    by = ["method", "sources", "target", "seed"]
    assert one.scores.sort_values(by, ignore_index=True).equals(other.scores.sort_values(by, ignore_index=True))
    by[:2] = ["metric", "source"]
    pairs = [study.similarity.sort_values(by, ignore_index=True) for study in (one, other)]
    assert pairs[0].equals(pairs[1])
    assert one.cells.equals(other.cells)
    assert one.trainings == other.trainings
    assert one.trainings.keys() == set(one.scores["key"])
    assert one.examples.keys() == other.examples.keys() == set(one.scores["key"])
    for key, unit in one.examples.items():
        for name in ("select_I", "best_IM", "honest_IM"):
            assert (getattr(unit, name) == getattr(other.examples[key], name)).all()
    assert (one.failures, one.skipped, one.tasks, one.methods, one.metrics) == (
        other.failures,
        other.skipped,
        other.tasks,
        other.methods,
        other.metrics,
    )
    assert one.notes == other.notes == ()


class Server:
    """`mlflow server` on loopback, which can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--backend-store-uri", f"sqlite:///{self._folder}/mlflow.db", "--workers", "1"),
            *("--artifacts-destination", str(self._folder / "artifacts")),
        ]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=os.environ | quiet, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 240
        while not self._answers():
            assert time.monotonic() < deadline, (self._folder / "server.log").read_text()
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.uri}/health", timeout=1)
        except OSError:
            return False
        return True

    def freeze(self) -> None:
        """Keep every connection open and answer nothing from now on."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
