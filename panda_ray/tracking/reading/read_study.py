"""From a tracking server to a `Study`: works wherever the server can be reached, without the store.

Everything comes from a few artifacts of the summary runs, one of each backbone: the runs of the units, of which there
may be tens of thousands, are for browsing and are not asked.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from mlflow import MlflowClient

from panda_ray.secrets import public
from panda_ray.sweep import Sweep
from panda_ray.tracking.experiment import pages_of_runs
from panda_ray.tracking.identity import check_plans
from panda_ray.tracking.reading.curves import curves_file, unpack_curves
from panda_ray.tracking.reading.examples import unpack
from panda_ray.tracking.reading.study import (
    CELL_COLUMNS,
    SCORE_COLUMNS,
    SIMILARITY_COLUMNS,
    ItemStatistics,
    SourceChoice,
    Study,
    TaskInfo,
    Training,
)
from panda_ray.tracking.reading.summary_files import SummaryFiles, asked, summaries_of
from panda_ray.tracking.runs import (
    CURVES_FOLDER,
    EXAMPLES_FOLDER,
    SCORES_FILE,
    SIMILARITY_FILE,
)
from panda_ray.tracking.searched import joined
from panda_ray.tracking.server.client import connect_to_read
from panda_ray.tracking.server.patience import Pulse
from panda_ray.tracking.writing.summary_run import TABLE_COLUMNS, SummaryRun

_DOWNLOADS = 8
"""Files that are fetched at the same time."""

Value = TypeVar("Value")


def read_study(tracking_uri: str, sweep: str, wanted: Sweep | None = None) -> Study:
    """Everything that MLflow has of a sweep.

    Args:
        sweep: the name.
        wanted: whose cells are meant, and no others; whatever was run last under the name unless given.

    Raises:
        InputError: when the server cannot be reached, or has no such sweep, or another one under that name.
    """

    def read(pulse: Pulse) -> Study:
        client = connect_to_read(tracking_uri, pulse)
        with tempfile.TemporaryDirectory() as folder:
            runs = summaries_of(client, sweep)
            if wanted is not None:
                own = {section.name for section in wanted.backbones}
                runs = {backbone: run for backbone, run in runs.items() if backbone in own}
            parts = [_Part(client, run.info.run_id, Path(folder), pulse) for run in runs.values()]
            if wanted is not None:
                check_plans({part.plan["backbone"]: part.plan for part in parts}, wanted, public(tracking_uri))
            experiment_id = next(iter(runs.values())).info.experiment_id
            return _study(parts, pages_of_runs(tracking_uri, experiment_id))

    return asked(read, tracking_uri, "cannot be read")


def log_report(tracking_uri: str, study: Study, paths: Sequence[Path], findings: Sequence[str]) -> None:
    """Keep a report's files on the summary run of every backbone of its study.

    Args:
        findings: lines of Markdown.

    Raises:
        InputError: as `read_study`.
    """

    def write(pulse: Pulse) -> None:
        client = connect_to_read(tracking_uri, pulse)
        for backbone, run in summaries_of(client, study.sweep).items():
            if backbone not in study.backbones:
                continue
            SummaryRun(client, run.info.run_id).write_report(paths, "\n".join(f"- {line}" for line in findings))

    asked(write, tracking_uri, "does not take the report")


class _Part(SummaryFiles):
    """The summary run of one backbone, downloaded.

    Attributes:
        notes: what is not there and cannot be shown.
    """

    def __init__(self, client: MlflowClient, run_id: str, folder: Path, pulse: Pulse) -> None:
        super().__init__(client, run_id, folder, pulse)
        self.notes: list[str] = []

    def scores(self) -> pd.DataFrame:
        if SCORES_FILE not in self.names:
            return pd.DataFrame(columns=list(TABLE_COLUMNS))
        return pd.read_parquet(self.path(SCORES_FILE))

    def similarity(self) -> pd.DataFrame | None:
        return pd.read_parquet(self.path(SIMILARITY_FILE)) if SIMILARITY_FILE in self.names else None

    def examples(self, scores: pd.DataFrame) -> dict[str, ItemStatistics]:
        """Statistics of the cells in the table, from the files that it names."""
        found = self._of_units(EXAMPLES_FOLDER, zip(scores["examples"], scores["key"], strict=True), unpack)
        if lacking := len(scores) - len(found):
            self.notes.append(
                f"{self.plan['backbone']}: {lacking} of {len(scores)} cells have lost their per-item statistics in "
                "MLflow, so their intervals are missing; `panda-ray track` logs them anew from the store"
            )
        return found

    def trainings(self, scores: pd.DataFrame) -> dict[str, Training]:
        """How the cells in the table were trained."""
        files = scores["examples"].map(curves_file)
        return self._of_units(CURVES_FOLDER, zip(files, scores["key"], strict=True), unpack_curves)

    def _of_units(
        self,
        folder: str,
        named: Iterable[tuple[str, str]],
        unpacked: Callable[[Path, Collection[str]], Mapping[str, Value]],
    ) -> dict[str, Value]:
        """What the files of a folder, as far as they are there, say of units.

        Args:
            named: a file and the key of a unit in it.
        """
        there = {file.path for task in self.listed(folder) for file in self.listed(task.path)}
        wanted: dict[str, set[str]] = defaultdict(set)
        for name, key in named:
            wanted[name].add(key)
        with ThreadPoolExecutor(_DOWNLOADS) as pool:
            paths = pool.map(lambda name: (name, self.path(name)), sorted(there & wanted.keys()))
            found: dict[str, Value] = {}
            for name, path in paths:
                self._pulse.beat()
                found |= unpacked(path, wanted[name])
                path.unlink()
        return found


def _study(parts: Sequence[_Part], page: str | None) -> Study:
    plans = [part.plan for part in parts]
    cells, candidates = _entries(plans, "cells"), _entries(plans, "candidates")
    every = [part.scores() for part in parts]
    tables = [table[table["key"].isin(set(cells["key"]))] for table in every]
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
        scores=_scored(cells, tables),
        choices={label: SourceChoice(**choice) for plan in plans for label, choice in plan["choices"].items()},
        candidates=candidates,
        candidate_scores=_scored(candidates, every),
        similarity=pd.concat(frames) if frames else pd.DataFrame(columns=list(SIMILARITY_COLUMNS)),
        examples={
            key: unit for part, table in zip(parts, tables, strict=True) for key, unit in part.examples(table).items()
        },
        trainings={
            key: unit for part, table in zip(parts, tables, strict=True) for key, unit in part.trainings(table).items()
        },
        runs_page=page,
        failures=tuple(failure for part in parts for failure in part.failures()),
        skipped=tuple(dict.fromkeys((task, reason) for plan in plans for task, reason in plan["skipped"])),
        searched=joined([found for part in parts if (found := part.searched()) is not None]),
        provenance=latest["provenance"],
        notes=tuple(note for part in parts for note in part.notes),
    )


def _entries(plans: Sequence[Mapping[str, Any]], name: str) -> pd.DataFrame:
    """Entries of the grid in the plans of all backbones (`CELL_COLUMNS`)."""
    rows = [(plan["backbone"], *(cell[column] for column in CELL_COLUMNS[1:])) for plan in plans for cell in plan[name]]
    return pd.DataFrame(rows, columns=list(CELL_COLUMNS))


def _scored(entries: pd.DataFrame, tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Those with a score (`SCORE_COLUMNS`)."""
    return entries.merge(pd.concat(tables), on="key", how="inner")[list(SCORE_COLUMNS)]


def _union(lists: Iterator[list[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in lists for name in names))
