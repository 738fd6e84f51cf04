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
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag

from panda_ray.choosing.choice_places import unchosen
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.sealed import SCORES
from panda_ray.execution.store.store import Record
from panda_ray.execution.units.cells import Cell
from panda_ray.sweep import sources_text
from panda_ray.sweep.named_tasks import task_of
from panda_ray.tracking.identity import IDENTITY, sweep_identity
from panda_ray.tracking.reading import examples
from panda_ray.tracking.reading.curves import curves_file, pack_curves
from panda_ray.tracking.reading.study import Failure
from panda_ray.tracking.runs import (
    CURVES_FOLDER,
    EXAMPLES_FOLDER,
    FAILURES_FILE,
    PLAN_FILE,
    PRODUCT,
    PROGRESS_FILE,
    REPORT_FOLDER,
    SCORES_FILE,
    SEARCH_FILE,
    SIMILARITY_FILE,
    STATE,
    SUMMARY,
)
from panda_ray.tracking.searched import Searched
from panda_ray.tracking.snapshot import Snapshot
from panda_ray.tracking.writing.summary_tables import TABLES_TAG, summary_tables, table_mark
from panda_ray.tracking.writing.unit_runs.unit_run import known_milliseconds

TABLE_COLUMNS = ("key", "measure", *SCORES, "examples", "ended")
"""One row per finished cell; `examples` is the file of the run that has the unit's statistics, `ended` tells a result
from the one that it replaced."""


class SummaryRun:
    """Writes one backbone's summary run.

    Attributes:
        run_id: of the run, which exists.
        rows: of the finished cells (`TABLE_COLUMNS`), by key.
    """

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client = client
        self.run_id = run_id
        self.rows: dict[str, dict[str, Any]] = {}
        self._has_news = False

    @classmethod
    def create(cls, client: MlflowClient, experiment_id: str, sweep: str, backbone: str) -> SummaryRun:
        """Make the run; it is never RUNNING for longer than between two calls."""
        tags = {PRODUCT: SUMMARY, "sweep": sweep, "backbone": backbone, STATE: "running"}
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

    def write_snapshot(self, snapshot: Snapshot, backbone: str) -> None:
        """Where the sweep stands, in place of an earlier one: a request of 10 ms, where a point of a curve takes 50."""
        self._write(PROGRESS_FILE, snapshot.to_json(backbone))

    def write_search(self, searched: Searched, backbone: str) -> None:
        """What the backbone's studies have tried, in place of an earlier state."""
        self._write(SEARCH_FILE, searched.to_json(backbone))

    def take_stock(self, ended: Mapping[str, int]) -> None:
        """Read which cells the run has rows of; those of an earlier result, or without their files, do not count.

        Args:
            ended: of units that are done, when (milliseconds since 1970).
        """
        if SCORES_FILE not in {file.path for file in self._client.list_artifacts(self.run_id)}:
            return
        with tempfile.TemporaryDirectory() as folder:
            frame = pd.read_parquet(self._client.download_artifacts(self.run_id, SCORES_FILE, folder))
        folders = (EXAMPLES_FOLDER, CURVES_FOLDER)
        there = {file for folder in folders for task in self._list(folder) for file in self._list(task)}
        for row in frame.to_dict("records"):
            key = str(row["key"])
            names = {row["examples"], curves_file(row["examples"])}
            if names <= there and ended.get(key, row.get("ended")) == row.get("ended"):
                self.rows[key] = {str(name): value for name, value in row.items()}

    def add_cells(self, task: str, records: Sequence[Record], predictions: Mapping[str, bytes]) -> None:
        """Per-item statistics and curves of cells of one task, now, and their scores with the next `write_scores`.

        Args:
            predictions: `predictions.parquet` of each record, by key.
        """
        content = examples.pack(predictions)
        path = f"{EXAMPLES_FOLDER}/{task}/{hashlib.sha256(content).hexdigest()[:16]}.parquet"
        self._write(path, content)
        self._write(curves_file(path), pack_curves(records))
        for record in records:
            scores = {name: float(record[name]) for name in SCORES}
            names = {"key": record["key"], "measure": record["measure"]}
            ended = known_milliseconds(record["finished_at"])
            self.rows[record["key"]] = {**names, **scores, "examples": path, "ended": ended}
        self._has_news = True

    def write_scores(self, cells: Iterable[Cell]) -> None:
        """The table of all cells, which the reader reads, and those for people; where they have changed."""
        if not self._has_news:
            return
        data = io.BytesIO()
        pd.DataFrame(list(self.rows.values()), columns=list(TABLE_COLUMNS)).to_parquet(data, index=False)
        self._write(SCORES_FILE, data.getvalue())
        tables = summary_tables(cells, {key: row["score"] for key, row in self.rows.items()})
        for file, table in tables.items():
            self._write(file, table.to_json(orient="split", index=False).encode())
        self._client.set_tag(self.run_id, TABLES_TAG, json.dumps(table_mark(tables)))
        self._has_news = False

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

    def _list(self, folder: str) -> list[str]:
        return [str(file.path) for file in self._client.list_artifacts(self.run_id, folder)]

    def _write(self, path: str, data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, Path(path).name)
            file.write_bytes(data)
            parent = Path(path).parent
            self._client.log_artifact(self.run_id, str(file), None if parent == Path() else str(parent))


def _described(plan: Plan, backbone: str, provenance: Mapping[str, Any]) -> dict[str, Any]:
    sweep = plan.sweep
    tasks = {name: task_of(name, sweep.tasks) for name in (*sweep.source_tasks, *sweep.targets)}
    fingerprints = {unit.data.task: unit.data.fingerprint for unit in plan.units.values()}
    return {
        "sweep": sweep.name,
        "backbone": backbone,
        "protocol": sweep.protocol,
        "sources": sweep.source_tasks,
        "targets": sweep.targets,
        "tasks": {
            name: {"group": task.group, "measure": task.measure, "fingerprint": fingerprints.get(name, "")}
            for name, task in tasks.items()
        },
        "methods": {section.title: section.method for section in sweep.methods},
        "unchosen": sum(place.backbone == backbone for place in unchosen(plan)),
        "metrics": list(dict.fromkeys(pair.metric for pair in plan.similarities)),
        "cells": _cells(plan.cells, backbone),
        "choices": {
            section.title: {"top": section.sources.top, "by": plan.chosen_by[section.title]}
            for section in sweep.methods
            if section.sources is not None
        },
        "candidates": _cells(plan.candidates, backbone),
        "skipped": _pairs(plan.skipped),
        "provenance": dict(provenance),
        IDENTITY: sweep_identity(sweep, backbone),
    }


def _cells(cells: Sequence[Cell], backbone: str) -> list[dict[str, Any]]:
    return [
        {
            "method": cell.method,
            "sources": sources_text(cell.sources),
            "target": cell.target,
            "seed": cell.seed,
            "key": cell.key,
        }
        for cell in cells
        if cell.backbone == backbone
    ]


def _pairs(skipped: Sequence[tuple[str, str]]) -> list[list[str]]:
    return [list(pair) for pair in skipped]
