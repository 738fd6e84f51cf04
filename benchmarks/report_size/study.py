"""A large study, invented in MLflow as a sweep leaves it: the paper's grid on five backbones and ten seeds.

The files of the summary runs come from the product's own writer. Of the runs of the units one is logged and the others
are copies of its rows, because logging 20,000 takes an hour; `report` asks none of them.

Shape letters: I dev items, M statistics of a measure.
"""

from __future__ import annotations

import hashlib
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

from panda_ray.sweep import Sweep
from panda_ray.sweep_file import load_sweep
from panda_ray.tasks import get_task
from panda_ray.tasks.measures.scores import reduce, statistics
from panda_ray.tracking.identity import IDENTITY, sweep_identity
from panda_ray.tracking.reading.study import SIMILARITY_COLUMNS
from panda_ray.tracking.server.client import connect
from panda_ray.tracking.server.uri import tracking_uri_of
from panda_ray.tracking.writing.summary_run import SummaryRun
from panda_ray.tracking.writing.unit_runs.unit_labels import UnitLabels
from panda_ray.tracking.writing.unit_runs.unit_run import log_unit, new_unit_run

BACKBONES = ("bert-large", "bert-base", "bert-medium", "bert-small", "bert-tiny")
ITEMS = {
    "boolq": 3270,
    "cb": 56,
    "rte": 277,
    "wic": 638,
    "wsc": 104,
    "copa": 100,
    "mrpc": 408,
    "cola": 1043,
    "stsb": 1500,
    "conll04": 288,
}
"""Rows of the dev sets of the paper's targets."""
LIFT = {"prompt_tuning": 0.0, "pot": -0.02, "panda": 0.03}
STACK = 20
"""Cells whose statistics share a file, as those of a stack do."""

Record = dict[str, Any]


def write_sweep(folder: Path, seeds: int, backbones: int) -> Path:
    """The sweep file of the study."""
    path = folder / "large.yaml"
    sweep = {
        "name": "large",
        "storage": str(folder / "store"),
        "backbones": list(BACKBONES[:backbones]),
        "sources": "paper",
        "targets": "paper",
        "methods": ["prompt_tuning", "pot", "panda"],
        "metrics": ["task_embedding", "e_avg", "on", "constant"],
        "seeds": list(range(seeds)),
    }
    path.write_text(yaml.safe_dump(sweep), encoding="utf-8")
    return path


def make_study(sweep_file: Path) -> int:
    """Put the study of a sweep file where the sweep would; returns the number of cells."""
    sweep = load_sweep(str(sweep_file), [])
    Path(sweep.storage).mkdir()
    uri = tracking_uri_of(sweep.storage, None)
    client = connect(uri)
    experiment_id = str(client.create_experiment(sweep.name, Path(sweep.storage, "mlflow-artifacts").as_uri()))
    total = 0
    for section in sweep.backbones:
        summary = SummaryRun.create(client, experiment_id, sweep.name, section.name)
        cells = list(_cells(sweep, section.name))
        client.log_dict(summary.run_id, _plan(sweep, section.name, cells), "plan.json")
        summary.write_similarity(_similarity(sweep, section.name))
        records: list[Record] = []
        for target, group in groupby(cells, key=lambda cell: str(cell["target"])):
            of_target = list(group)
            for first in range(0, len(of_target), STACK):
                units = [_unit(cell, section.name) for cell in of_target[first : first + STACK]]
                summary.add_cells(target, [record for record, _ in units], {r["key"]: data for r, data in units})
                records += [record for record, _ in units]
        summary.write_scores([])
        summary.write_failures([])
        labels = UnitLabels("cell", "panda")
        run = new_unit_run(client, records[0], labels, experiment_id=experiment_id, parent_id=summary.run_id)
        log_unit(client, records[0], {}, run=run, tags={})
        _copy_run(Path(uri.removeprefix("sqlite:///")), run.run_id, [record["key"] for record in records[1:]])
        total += len(records)
    return total


def _cells(sweep: Sweep, backbone: str) -> Iterator[Record]:
    """Of one target after the other."""
    for target in sweep.targets:
        for section in sweep.methods:
            for sources in [""] if section.method == "prompt_tuning" else sweep.single_sources:
                for seed in sweep.seeds:
                    cell = {"method": section.title, "sources": sources, "target": target, "seed": seed}
                    name = f"{backbone} {sorted(cell.items())}"
                    yield {**cell, "key": hashlib.sha256(name.encode()).hexdigest()}


def _plan(sweep: Sweep, backbone: str, cells: list[Record]) -> Record:
    tasks = {name: get_task(name) for name in [*sweep.source_tasks, *sweep.targets]}
    return {
        "sweep": sweep.name,
        "backbone": backbone,
        "protocol": sweep.protocol,
        "sources": sweep.source_tasks,
        "targets": list(sweep.targets),
        "tasks": {name: {"group": task.group, "measure": task.measure} for name, task in tasks.items()},
        "methods": {section.title: section.method for section in sweep.methods},
        "metrics": ["task_embedding", "e_avg", "on", "constant"],
        "cells": cells,
        "skipped": [],
        "provenance": {},
        IDENTITY: sweep_identity(sweep, backbone),
    }


def _similarity(sweep: Sweep, backbone: str) -> pd.DataFrame:
    draw = np.random.default_rng(len(backbone))
    rows = [
        (backbone, metric, source, target, seed, 1.0 if metric == "constant" else draw.random())
        for metric in ("task_embedding", "e_avg", "on", "constant")
        for source in sweep.source_tasks
        for target in sweep.targets
        for seed in sweep.seeds
    ]
    return pd.DataFrame(rows, columns=list(SIMILARITY_COLUMNS))


def _unit(cell: Record, backbone: str) -> tuple[Record, bytes]:
    """A cell's record and its `predictions.parquet`."""
    draw = np.random.default_rng(int(cell["key"][:12], 16))
    measure = get_task(cell["target"]).measure
    skill = 0.7 + LIFT[cell["method"]] + 0.05 * draw.random()
    select_I = np.arange(ITEMS[cell["target"]]) % 2 == 0
    best_IM, honest_IM = (_statistics(measure, skill - worse, len(select_I), draw) for worse in (0, 0.01))
    paper, honest = reduce(measure, best_IM), reduce(measure, honest_IM[~select_I])
    record = {
        "key": cell["key"],
        "product": "prompt",
        "identity": {"config": {"lr": 0.01, "epochs": 5}, "seed": cell["seed"]},
        "sources": list(filter(None, [cell["sources"]])),
        "target": cell["target"],
        "backbone": backbone,
        "seed": cell["seed"],
        "protocol": "paper",
        "measure": measure,
        "score": paper,
        "score_last": paper - 0.5,
        "score_first_epoch": paper - 6 * draw.random(),
        "score_paper": paper,
        "score_honest": honest,
        "history": [{"epoch": epoch, "loss": 1 / epoch, "score": 60.0} for epoch in range(1, 6)],
        "seconds": 10.0,
        "finished_at": "2026-01-01T00:00:10.000+00:00",
    }
    return record, _predictions(select_I, best_IM, honest_IM)


def _statistics(measure: str, skill: float, items: int, draw: np.random.Generator) -> NDArray[np.float64]:
    truth = np.random.default_rng(1)
    if measure == "pearson_spearman_mean":
        marks_I = truth.integers(0, 26, items) / 5
        return statistics(measure, list(skill * marks_I + (1 - skill) * draw.normal(size=items)), list(marks_I))
    if measure == "span_f1":
        counts_I = truth.integers(0, 4, items).astype(np.float64)
        return np.stack([np.floor(counts_I * (draw.random(items) < skill)), counts_I, counts_I], axis=1)
    reference_I = truth.integers(0, 2, items)
    values_I = np.where(draw.random(items) < skill, reference_I, 1 - reference_I)
    return statistics(measure, list(values_I), list(reference_I))


def _predictions(select_I: NDArray[np.bool_], best_IM: NDArray[np.float64], honest_IM: NDArray[np.float64]) -> bytes:
    columns: dict[str, NDArray[Any]] = {"item": np.arange(len(select_I), dtype=np.int32), "select": select_I}
    for prefix, values_IM in (("stat", best_IM), ("honest", honest_IM)):
        columns |= {f"{prefix}_{place}": column_I for place, column_I in enumerate(values_IM.T)}
    data = io.BytesIO()
    pq.write_table(pa.table(columns), data)
    return data.getvalue()


def _copy_run(database: Path, run_id: str, keys: list[str]) -> None:
    """Rows of a run again under other ids and keys, in every table that belongs to runs."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in ("runs", "metrics", "latest_metrics", "params", "tags"):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            rows = connection.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", (run_id,)).fetchall()
            marks = ", ".join("?" * len(columns))
            connection.executemany(
                f"INSERT INTO {table} VALUES ({marks})",
                (_renamed(dict(zip(columns, row, strict=True)), key) for key in keys for row in rows),
            )


def _renamed(row: dict[str, Any], key: str) -> tuple[Any, ...]:
    if row.get("key") == "key":
        row["value"] = key
    return tuple({**row, "run_uuid": key[-32:]}.values())
