"""What MLflow knows about one sweep, as typed frames: the one thing that reports are made from.

`read_study.py` fills it from a tracking server alone. The column `sources` holds an empty string where a cell has no
source, and `a+b` where it has several.

Shape letters: I dev items, M statistics of a measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from panda_ray.tracking.searched import Searched

CELL_COLUMNS = ("backbone", "method", "sources", "target", "seed", "key")
"""One desired entry of the grid; `method` is the sweep's label."""

SCORE_COLUMNS = (
    "backbone",
    "method",
    "sources",
    "target",
    "seed",
    "score",
    "score_last",
    "score_first_epoch",
    "measure",
    "key",
    "score_paper",
    "score_honest",
)
"""One finished cell; scores in percent, `measure` is the task's."""

SIMILARITY_COLUMNS = ("backbone", "metric", "source", "target", "seed", "similarity")
"""One predicted transferability; `metric` is the sweep's label of a transferability metric."""


@dataclass(frozen=True)
class TaskInfo:
    """What a report must know about a task."""

    group: str
    measure: str
    fingerprint: str = ""
    """Of its rows; empty where no unit is trained on them."""


@dataclass(frozen=True)
class SourceChoice:
    """What chooses the sources of a method: `top` of them per target, by the metric with the label `by`."""

    top: int
    by: str


@dataclass(frozen=True)
class ItemStatistics:
    """Per dev item, what a score is reduced from, under both protocols.

    Attributes:
        select_I: whether the item belongs to the selecting half of the `honest` protocol.
        best_IM: statistics of the epoch that is best on the whole dev set.
        honest_IM: statistics of the epoch that is best on the selecting half.
    """

    select_I: NDArray[np.bool_]
    best_IM: NDArray[np.float64]
    honest_IM: NDArray[np.float64]

    def of(self, protocol: str) -> NDArray[np.float64]:
        """The items and statistics that the protocol's score is reduced from."""
        return self.best_IM if protocol == "paper" else self.reported_by_half()

    def reported_by_half(self) -> NDArray[np.float64]:
        """On the reported half: the epoch that the selecting half chose."""
        return self.honest_IM[~self.select_I]

    def reported_by_whole(self) -> NDArray[np.float64]:
        """On the same half: the epoch that the whole dev set chose, this half included."""
        return self.best_IM[~self.select_I]


@dataclass(frozen=True)
class Training:
    """How the training of a unit went.

    Attributes:
        loss, score: per epoch: mean training loss, and percent on the whole dev set; None where it is not known.
        seconds: its part of its stack's.
        peak_memory_bytes: of its stack; None where the device does not say.
    """

    loss: tuple[float | None, ...]
    score: tuple[float | None, ...]
    seconds: float
    peak_memory_bytes: int | None


@dataclass(frozen=True)
class Failure:
    """A unit without a result, and why."""

    backbone: str
    method: str
    sources: str
    target: str
    seed: int
    status: str
    error: str

    @property
    def title(self) -> str:
        """The unit, for people."""
        source = f"{self.sources} -> " if self.sources else ""
        return f"{self.method} {source}{self.target} (seed {self.seed})"


@dataclass(frozen=True)
class Study:
    """One sweep.

    Attributes:
        methods: label to the method's name, in the sweep's order.
        metrics: labels of the transferability metrics, in the sweep's order.
        sources: tasks that are transferred, alone or among others.
        tasks: every source and target.
        cells: desired entries of the grid (`CELL_COLUMNS`).
        scores: finished ones (`SCORE_COLUMNS`).
        choices: by label of a method whose sources a metric chooses.
        candidates: entries among which it chooses (`CELL_COLUMNS`), and `candidate_scores` what is known of them: of
            chosen ones, and of others if an earlier run under this name, or another method, has trained them.
        similarity: `SIMILARITY_COLUMNS`.
        examples: by key, for the finished cells.
        trainings: likewise.
        runs_page: address of the page where MLflow shows the runs of the units; None where only a database is known.
        skipped: tasks whose rows are not there, and why.
        searched: what a search has tried, where the sweep is one.
        provenance: what made the numbers (versions, commit, options), for people.
        notes: what MLflow has lost of the sweep, so that it cannot be shown.
    """

    sweep: str
    protocol: str
    backbones: tuple[str, ...]
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    tasks: Mapping[str, TaskInfo]
    methods: Mapping[str, str]
    metrics: tuple[str, ...]
    cells: pd.DataFrame
    scores: pd.DataFrame
    similarity: pd.DataFrame
    examples: Mapping[str, ItemStatistics]
    trainings: Mapping[str, Training] = field(default_factory=dict)
    runs_page: str | None = None
    failures: tuple[Failure, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    searched: Searched | None = None
    choices: Mapping[str, SourceChoice] = field(default_factory=dict)
    candidates: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(CELL_COLUMNS)))
    candidate_scores: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(SCORE_COLUMNS)))
    provenance: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def labels_of(self, method: str) -> list[str]:
        """Labels under which the sweep runs a method."""
        return [label for label, name in self.methods.items() if name == method]

    @property
    def missing(self) -> pd.DataFrame:
        """Desired cells without a score."""
        return self.cells[~self.cells["key"].isin(set(self.scores["key"]))]
