"""How long MLflow takes to give what a large report is made from: `python -m benchmarks.report_size [CELLS]`.

A study of so many cells (20,000 unless given) is invented and put into a SQLite database: one MLflow run per unit as a
sweep leaves them (one is logged, the others are copies of its rows: logging 20,000 takes an hour), and the files of the
summary run by the product's own writer. Compared with asking for the runs of the units page by page. Result in
results/report_size-<cores>-cores.json.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from panda_ray.tracking.client import connect
from panda_ray.tracking.reading import read_study
from panda_ray.tracking.schema import search
from panda_ray.tracking.summary_run import SummaryRun
from panda_ray.tracking.unit_run import UnitLabels, log_unit, new_unit_run

SOURCES = 20
ITEMS = {
    "cb": 56,
    "copa": 100,
    "rte": 277,
    "wsc": 104,
    "mrpc": 408,
    "cola": 1043,
    "stsb": 1500,
    "conll04": 288,
    "wic": 638,
}
"""Targets and the rows of their dev sets."""
CELLS_PER_FILE = 20
"""As many as a stack has members."""

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        uri = f"sqlite:///{folder}/mlflow.db"
        experiment_id = _make_study(uri, cells)
        measured: dict[str, Any] = {"cells": cells, "cores": len(os.sched_getaffinity(0))}
        measured["read_study_seconds"] = _seconds(lambda: _check(uri, cells))
        measured["peak_resident_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        measured["runs_page_by_page_seconds"] = _seconds(
            lambda: sum(1 for _ in search(connect(uri), experiment_id, "tags.kind = 'train'"))
        )
    measured["load_at_end"] = round(os.getloadavg()[0], 1)
    path = RESULTS / f"report_size-{measured['cores']}-cores.json"
    path.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"))


def _seconds(work: Any) -> float:
    began = time.monotonic()
    work()
    return round(time.monotonic() - began, 1)


def _check(uri: str, cells: int) -> None:
    study = read_study(uri, "large")
    if len(study.scores) != cells or len(study.examples) != cells:
        raise RuntimeError(f"{len(study.scores)} scores and {len(study.examples)} statistics of {cells} cells")


def _make_study(uri: str, cells: int) -> str:
    client = connect(uri)
    experiment_id = str(client.create_experiment("large"))
    summary = SummaryRun.create(client, experiment_id, "large", "bert-base")
    records = list(_records(cells))
    client.log_dict(summary.run_id, _plan(records), "plan.json")
    for first in range(0, cells, CELLS_PER_FILE):
        some = records[first : first + CELLS_PER_FILE]
        predictions = {record["key"]: _predictions(some[0]["target"], record["key"]) for record in some}
        summary.add_cells(some[0]["target"], some, predictions)
    summary.write_scores()
    labels = UnitLabels("cell", "panda")
    where = {"experiment_id": experiment_id, "parent_id": summary.run_id}
    run_id = new_unit_run(client, records[0], labels, **where)
    log_unit(client, records[0], labels, {}, run_id=run_id, parent_id=summary.run_id)
    _copy_run(Path(uri.removeprefix("sqlite:///")), run_id, [record["key"] for record in records[1:]])
    return experiment_id


def _records(cells: int) -> Iterator[dict[str, Any]]:
    """Trainings of one target side by side, as a stack has them."""
    for index in range(cells):
        target = list(ITEMS)[index // CELLS_PER_FILE % len(ITEMS)]
        score = 50 + index % 40
        yield {
            "key": f"{index:064x}",
            "kind": "train",
            "identity": {"config": {"lr": 0.01, "epochs": 5}, "seed": index},
            "source": f"source{index % SOURCES}",
            "target": target,
            "backbone": "bert-base",
            "seed": index // (SOURCES * len(ITEMS)),
            "protocol": "paper",
            "metric": "accuracy",
            **dict.fromkeys(("score", "score_last", "score_first_epoch", "score_paper", "score_honest"), float(score)),
            "history": [{"epoch": epoch, "loss": 1 / epoch, "score": 60.0} for epoch in range(1, 6)],
            "seconds": 10.0,
            "finished_at": "2026-01-01T00:00:10.000+00:00",
        }


def _plan(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "sweep": "large",
        "backbone": "bert-base",
        "protocol": "paper",
        "sources": [f"source{index}" for index in range(SOURCES)],
        "targets": list(ITEMS),
        "tasks": {target: {"group": "other", "metric": "accuracy"} for target in ITEMS},
        "methods": {"panda": "panda"},
        "metrics": [],
        "cells": [
            {"method": "panda", **{name: record[name] for name in ("source", "target", "seed", "key")}}
            for record in records
        ],
        "skipped": [],
        "provenance": {},
    }


def _predictions(target: str, key: str) -> bytes:
    items = ITEMS[target]
    right_I = np.random.default_rng(int(key, 16)).integers(0, 2, items).astype(np.float64)
    table = pa.table(
        {"item": np.arange(items, dtype=np.int32), "select": np.arange(items) % 2 == 0}
        | {"stat_0": right_I, "honest_0": 1 - right_I}
    )
    data = io.BytesIO()
    pq.write_table(table, data)
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


if __name__ == "__main__":
    main()
