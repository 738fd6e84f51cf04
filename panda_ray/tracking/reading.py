"""From a tracking server to a `Study`: works wherever the server can be reached, without the store.

Scores come from one paged search over the runs of the units; everything that concerns many units comes from a few
artifacts of the summary runs.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run

from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.tracking.client import UNREACHABLE, cause, connect_to_read, find_experiment
from panda_ray.tracking.examples import unpack
from panda_ray.tracking.identity import check_plans
from panda_ray.tracking.schema import (
    COMPLETE,
    EXAMPLES_FOLDER,
    FAILURES_FILE,
    KEY,
    KIND,
    PLAN_FILE,
    SIMILARITY_FILE,
    search,
    summary_runs,
)
from panda_ray.tracking.study import (
    CELL_COLUMNS,
    SCORE_COLUMNS,
    SIMILARITY_COLUMNS,
    Failure,
    ItemStatistics,
    Study,
    TaskInfo,
)
from panda_ray.tracking.summary_run import SummaryRun
from panda_ray.tracking.uri import public

SCORES = ("score", "score_last", "score_first_epoch", "score_paper", "score_honest")


def read_study(tracking_uri: str, sweep: str, wanted: Sweep | None = None) -> Study:
    """Everything that MLflow has of a sweep.

    Args:
        sweep: the name.
        wanted: whose cells are meant, and no others; whatever was run last under the name unless given.

    Raises:
        InputError: when the server cannot be reached, or has no such sweep, or another one under that name.
    """
    try:
        client = connect_to_read(tracking_uri)
        experiment_id = _experiment_id(client, sweep)
        with tempfile.TemporaryDirectory() as folder:
            runs = summary_runs(client, experiment_id)
            if wanted is not None:
                own = {section.name for section in wanted.backbones}
                runs = {backbone: run for backbone, run in runs.items() if backbone in own}
            parts = [_Part(client, run.info.run_id, Path(folder)) for run in runs.values()]
            if wanted is not None:
                check_plans({part.plan["backbone"]: part.plan for part in parts}, wanted, public(tracking_uri))
            units = {run.data.tags[KEY]: run for run in search(client, experiment_id, f"tags.{KIND} = 'train'")}
            return _study(parts, {key: run for key, run in units.items() if COMPLETE in run.data.tags})
    except UNREACHABLE as error:
        raise InputError(f"MLflow at {public(tracking_uri)} cannot be read: {cause(error, tracking_uri)}") from error


def log_report(tracking_uri: str, study: Study, paths: Sequence[Path], findings: Sequence[str]) -> None:
    """Keep a report's files on the summary run of every backbone of its study.

    Args:
        findings: lines of Markdown.

    Raises:
        InputError: as `read_study`.
    """
    try:
        client = connect_to_read(tracking_uri)
        for backbone, run in summary_runs(client, _experiment_id(client, study.sweep)).items():
            if backbone not in study.backbones:
                continue
            SummaryRun(client, run.info.run_id).write_report(paths, "\n".join(f"- {line}" for line in findings))
    except UNREACHABLE as error:
        raise InputError(
            f"MLflow at {public(tracking_uri)} does not take the report: {cause(error, tracking_uri)}"
        ) from error


def _experiment_id(client: MlflowClient, sweep: str) -> str:
    experiment = find_experiment(client, sweep)
    if experiment is None or not summary_runs(client, experiment.experiment_id):
        raise InputError(f"MLflow at {public(client.tracking_uri)} knows no sweep {sweep!r}; run it first")
    return str(experiment.experiment_id)


class _Part:
    """The summary run of one backbone, downloaded."""

    def __init__(self, client: MlflowClient, run_id: str, folder: Path) -> None:
        self._client = client
        self._run_id = run_id
        self._folder = folder / run_id
        self._folder.mkdir()
        self._names = {file.path for file in client.list_artifacts(run_id)}
        self.plan: dict[str, Any] = json.loads(self._path(PLAN_FILE).read_text(encoding="utf-8"))

    def similarity(self) -> pd.DataFrame | None:
        return pd.read_parquet(self._path(SIMILARITY_FILE)) if SIMILARITY_FILE in self._names else None

    def failures(self) -> Iterator[Failure]:
        if FAILURES_FILE in self._names:
            yield from (Failure(**entry) for entry in json.loads(self._path(FAILURES_FILE).read_text(encoding="utf-8")))

    def examples(self, keys: frozenset[str]) -> dict[str, ItemStatistics]:
        if EXAMPLES_FOLDER not in self._names:
            return {}
        files = sorted(self._path(EXAMPLES_FOLDER).rglob("*.parquet"))
        found = {key: unit for file in files for key, unit in unpack(file.read_bytes()).items()}
        return {key: unit for key, unit in found.items() if key in keys}

    def _path(self, name: str) -> Path:
        return Path(self._client.download_artifacts(self._run_id, name, str(self._folder)))


def _study(parts: Sequence[_Part], units: Mapping[str, Run]) -> Study:
    plans = [part.plan for part in parts]
    cells = pd.DataFrame(
        [(plan["backbone"], *(cell[name] for name in CELL_COLUMNS[1:])) for plan in plans for cell in plan["cells"]],
        columns=list(CELL_COLUMNS),
    )
    keys = frozenset(cells["key"]) & units.keys()
    frames = [frame for part in parts if (frame := part.similarity()) is not None and len(frame)]
    latest = plans[0]
    return Study(
        sweep=latest["sweep"],
        protocol=latest["protocol"],
        backbones=tuple(plan["backbone"] for plan in plans),
        sources=_union(plan["sources"] for plan in plans),
        targets=_union(plan["targets"] for plan in plans),
        tasks={name: TaskInfo(**task) for plan in plans for name, task in plan["tasks"].items()},
        methods={label: name for plan in plans for label, name in plan["methods"].items()},
        metrics=_union(plan["metrics"] for plan in plans),
        cells=cells,
        scores=_scores(cells, units),
        similarity=pd.concat(frames) if frames else pd.DataFrame(columns=list(SIMILARITY_COLUMNS)),
        examples={key: unit for part in parts for key, unit in part.examples(keys).items()},
        failures=tuple(failure for part in parts for failure in part.failures()),
        skipped=tuple(dict.fromkeys((task, reason) for plan in plans for task, reason in plan["skipped"])),
        provenance=latest["provenance"],
    )


def _union(lists: Iterator[list[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in lists for name in names))


def _scores(cells: pd.DataFrame, units: Mapping[str, Run]) -> pd.DataFrame:
    """One row per cell whose unit has a complete run."""
    rows = []
    for key in dict.fromkeys(cells["key"]):
        if key in units:
            data = units[key].data
            rows.append({"key": key, "metric": data.tags["metric"], **{name: data.metrics[name] for name in SCORES}})
    scores = pd.DataFrame(rows, columns=["key", "metric", *SCORES])
    return cells.merge(scores, on="key", how="inner")[list(SCORE_COLUMNS)]
