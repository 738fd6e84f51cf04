"""The summary run of a backbone: what the sweep wants, how far it is, and everything that concerns many units.

Like every run it is ended as soon as it exists, because a driver may die at any moment; the tag `state` says whether
the sweep still runs. MLflow takes tags, metrics and artifacts of an ended run.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag

from panda_ray.execution.plan import Plan
from panda_ray.tasks import get_task
from panda_ray.tracking import examples
from panda_ray.tracking.identity import IDENTITY, sweep_identity
from panda_ray.tracking.schema import (
    EXAMPLES_FOLDER,
    FAILURES_FILE,
    KIND,
    PLAN_FILE,
    REPORT_FOLDER,
    SIMILARITY_FILE,
    STATE,
    SUMMARY,
)
from panda_ray.tracking.study import Failure


class SummaryRun:
    """Writes one backbone's summary run.

    Attributes:
        run_id: of the run, which exists.
    """

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client = client
        self.run_id = run_id

    @classmethod
    def create(cls, client: MlflowClient, experiment_id: str, sweep: str, backbone: str) -> SummaryRun:
        """Make the run; it is never RUNNING for longer than between two calls."""
        tags = {KIND: SUMMARY, "sweep": sweep, "backbone": backbone, STATE: "running"}
        run = client.create_run(experiment_id, tags=tags, run_name=f"summary {backbone}")
        client.set_terminated(run.info.run_id, "FINISHED")
        return cls(client, run.info.run_id)

    def write_plan(self, plan: Plan, backbone: str, provenance: Mapping[str, Any]) -> None:
        """What the sweep wants of this backbone."""
        self._write(PLAN_FILE, json.dumps(_described(plan, backbone, provenance), indent=1).encode())

    def write_progress(self, done: int, total: int, state: str) -> None:
        """How many units have a run, as a curve over time."""
        now = int(time.time() * 1000)
        metrics = [Metric("units_done", done, now, 0), Metric("units_total", total, now, 0)]
        self._client.log_batch(self.run_id, metrics, tags=[RunTag(STATE, state)])

    def write_examples(self, task: str, predictions: Mapping[str, bytes]) -> None:
        """Per-item statistics of units of one task; equal sets of units give one file."""
        name = hashlib.sha256(" ".join(sorted(predictions)).encode()).hexdigest()[:16]
        self._write(f"{EXAMPLES_FOLDER}/{task}/{name}.parquet", examples.pack(predictions))

    def write_similarity(self, frame: pd.DataFrame) -> None:
        """Predicted transferability per pair and seed."""
        data = io.BytesIO()
        frame.to_parquet(data, index=False)
        self._write(SIMILARITY_FILE, data.getvalue())

    def write_failures(self, failures: Collection[Failure]) -> None:
        """Units without a result, and why; an empty list replaces an earlier one."""
        self._write(FAILURES_FILE, json.dumps([asdict(failure) for failure in failures], indent=1).encode())

    def write_report(self, paths: Sequence[Path], note: str) -> None:
        """A report's files, and its findings as the run's description."""
        for path in paths:
            self._client.log_artifact(self.run_id, str(path), REPORT_FOLDER)
        self._client.set_tag(self.run_id, "mlflow.note.content", note)

    def _write(self, path: str, data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, Path(path).name)
            file.write_bytes(data)
            parent = Path(path).parent
            self._client.log_artifact(self.run_id, str(file), None if parent == Path() else str(parent))


def _described(plan: Plan, backbone: str, provenance: Mapping[str, Any]) -> dict[str, Any]:
    sweep = plan.sweep
    tasks = dict.fromkeys([*sweep.sources, *sweep.targets])
    return {
        "sweep": sweep.name,
        "backbone": backbone,
        "protocol": sweep.protocol,
        "sources": sweep.sources,
        "targets": sweep.targets,
        "tasks": {name: {"group": get_task(name).group, "metric": get_task(name).metric} for name in tasks},
        "methods": {section.title: section.method for section in sweep.methods},
        "metrics": list(dict.fromkeys(pair.metric for pair in plan.similarities)),
        "cells": [
            {
                "method": cell.method,
                "source": cell.source or "",
                "target": cell.target,
                "seed": cell.seed,
                "key": cell.key,
            }
            for cell in plan.cells
            if cell.backbone == backbone
        ],
        "skipped": _pairs(plan.skipped),
        "provenance": dict(provenance),
        IDENTITY: sweep_identity(sweep, backbone),
    }


def _pairs(skipped: Sequence[tuple[str, str]]) -> list[list[str]]:
    return [list(pair) for pair in skipped]
