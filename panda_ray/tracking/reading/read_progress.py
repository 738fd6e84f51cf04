"""From a tracking server to where a sweep stands: three small files of each summary run, and nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from panda_ray.errors import InputError
from panda_ray.execution.planning.states import CellState, State
from panda_ray.tracking.reading.study import Failure
from panda_ray.tracking.reading.summary_files import SummaryFiles, asked, summaries_of
from panda_ray.tracking.runs import PROGRESS_FILE, STATE
from panda_ray.tracking.server.client import connect_to_read
from panda_ray.tracking.server.http import server_time
from panda_ray.tracking.server.patience import Pulse
from panda_ray.tracking.server.uri import shown
from panda_ray.tracking.snapshot import Snapshot, joined
from panda_ray.tracking.writing.worker import SNAPSHOT_SECONDS

STALE_SECONDS = 4 * SNAPSHOT_SECONDS
"""A driver that has said nothing for so long is gone, or cannot reach MLflow."""

_HALVES = 3
"""How often a file that was being replaced is read again."""


@dataclass(frozen=True)
class TrackedProgress:
    """What MLflow knows of how far a sweep is.

    Attributes:
        where: the server, as it may be shown.
        state: of the sweep: running, finished, failed or interrupted, as its driver said last.
        cells: in the order of the plan; all of them wait where no driver has said anything yet.
        unchosen: targets whose sources a metric has not chosen yet, once for each backbone and method.
        snapshot: what the driver said last; None before it said anything.
        heard: seconds since then; None before.
    """

    where: str
    state: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    cells: tuple[CellState, ...]
    failures: tuple[Failure, ...]
    skipped: tuple[tuple[str, str], ...]
    unchosen: int
    snapshot: Snapshot | None
    heard: float | None

    @property
    def is_stale(self) -> bool:
        """Whether the sweep is said to run, and nothing was heard of its driver for long."""
        return self.state == "running" and self.heard is not None and self.heard > STALE_SECONDS


def read_progress(tracking_uri: str, sweep: str) -> TrackedProgress:
    """Where a sweep stands, by its name.

    Raises:
        InputError: the server cannot be reached, or has no such sweep.
    """

    def read(pulse: Pulse) -> TrackedProgress:
        client = connect_to_read(tracking_uri, pulse)
        runs = summaries_of(client, sweep)
        with tempfile.TemporaryDirectory() as folder:
            parts = [_Part(client, run, Path(folder), pulse) for run in runs.values()]
        snapshot = joined({part.backbone: part.snapshot for part in parts if part.snapshot is not None})
        return TrackedProgress(
            where=shown(client.tracking_uri),
            state=_combined(runs),
            sources=_union(part.plan["sources"] for part in parts),
            targets=_union(part.plan["targets"] for part in parts),
            cells=tuple(cell for part in parts for cell in part.cells()),
            failures=tuple(failure for part in parts for failure in part.failures),
            skipped=tuple(dict.fromkeys((task, why) for part in parts for task, why in part.plan["skipped"])),
            unchosen=sum(part.plan["unchosen"] for part in parts),
            snapshot=snapshot,
            heard=None if snapshot is None else max(server_time(tracking_uri) - snapshot.written_at, 0.0),
        )

    return asked(read, tracking_uri, "cannot be read")


def heard_of(client: MlflowClient, run: Run, now: float, pulse: Pulse) -> float:
    """Seconds since the driver of a summary run said something, or since the run was made.

    Args:
        now: the server's time.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            snapshot = _Part(client, run, Path(folder), pulse).snapshot
        except InputError:  # it has no files yet, or not any more
            snapshot = None
    return now - (run.info.start_time / 1000 if snapshot is None else snapshot.written_at)


class _Part:
    """One backbone."""

    def __init__(self, client: MlflowClient, run: Run, folder: Path, pulse: Pulse) -> None:
        files = SummaryFiles(client, run.info.run_id, folder, pulse)
        self.plan: Mapping[str, Any] = files.plan
        self.backbone = str(self.plan["backbone"])
        self.failures = tuple(files.failures())
        self.snapshot: Snapshot | None = None
        if PROGRESS_FILE in files.names:
            self.snapshot = self._read(files)

    def _read(self, files: SummaryFiles) -> Snapshot:
        for attempt in range(_HALVES):
            try:
                return Snapshot.from_json(files.path(PROGRESS_FILE).read_bytes(), self.backbone)
            except ValueError:
                if attempt == _HALVES - 1:
                    raise
        raise AssertionError("the last attempt has an answer")

    def cells(self) -> tuple[CellState, ...]:
        """Every cell; those that no driver has spoken of wait."""
        wanted = self.plan["cells"]
        waiting: State = "waiting"
        known: tuple[State, ...] = () if self.snapshot is None else self.snapshot.backbones[self.backbone].cells
        return tuple(
            CellState(self.backbone, cell["method"], cell["sources"], cell["target"], cell["seed"], state)
            for cell, state in zip(wanted, chain(known, repeat(waiting)), strict=False)
        )


def _combined(runs: Mapping[str, Run]) -> str:
    """Of all backbones: running while one of them is."""
    found = [run.data.tags.get(STATE, "running") for run in runs.values()]
    return "running" if "running" in found else found[0]


def _union(lists: Iterable[list[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in lists for name in names))
