"""What the store of a sweep knows of its cells, read when it is first asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import pandas as pd

from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.store.store import Record, Store
from panda_ray.reports.reproduction.asked import Answer, Quantity
from panda_ray.sweep import Sweep, sources_text
from panda_ray.sweep.hyperparameters import TaskSection
from panda_ray.sweep.named_tasks import task_of
from panda_ray.tasks import TaskSpec
from panda_ray.tasks.rows.loading import read_dev
from panda_ray.tasks.task import UserOrigin
from panda_ray.usecases.frames import CELL, predictions_frame
from panda_ray.usecases.reporting.shown_rows import in_words, row_text
from panda_ray.usecases.searching.searches import known_plan

_GIB = 1 << 30
_MILLION = 1_000_000


class StoredCells:
    """See `Stored`."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep, self._store = sweep, Store(sweep.storage)

    def costs(self, quantity: Quantity, backbone: str, method: str, sources: str, target: str) -> Mapping[int, float]:
        name = (backbone, method, sources, target)
        found = {seed: _cost(quantity, self._chain(key)) for seed, key in self._keys.get(name, {}).items()}
        return {seed: cost for seed, cost in found.items() if cost is not None}

    def answers(self, backbone: str, method: str, sources: str, target: str) -> Mapping[int, Sequence[Answer]]:
        cell = dict(zip(CELL, (backbone, method, sources, target), strict=False))
        frame = predictions_frame(self._sweep, cell)
        spec = task_of(target, self._sweep.tasks)
        texts = self._texts(target) if len(frame) else []
        seeds = [int(seed) for seed in frame["seed"].unique()]
        return {seed: self._answers(spec, frame[frame["seed"] == seed], texts) for seed in seeds}

    def _answers(self, spec: TaskSpec, rows: pd.DataFrame, texts: Sequence[str]) -> list[Answer]:
        said = rows["prediction" if self._sweep.protocol == "paper" else "prediction_honest"]
        known = texts if len(texts) == len(rows) else [""] * len(rows)
        return [
            Answer(text, *(in_words(spec, json.loads(value)) for value in pair))
            for text, *pair in zip(known, rows["reference"], said, strict=True)
        ]

    def _texts(self, target: str) -> list[str]:
        """What every dev item asks; none of a licensed set, and where the rows are not here."""
        spec, own = task_of(target, self._sweep.tasks), self._sweep.tasks.get(target, TaskSection())
        if isinstance(spec.origin, UserOrigin):
            return []
        try:
            rows = read_dev(spec, self._sweep.data_root, own.max_train_rows, own.max_dev_rows)
        except InputError:
            return []
        return [row_text(spec, row) for row in rows]

    def _chain(self, key: str) -> list[Record] | None:
        """The records of a unit and of all that it depends on; None where one is not done."""
        chain, left = dict[str, None](), [key]
        while left:
            key = left.pop()
            if key not in chain:
                chain[key] = None
                left += self._plan.depends_on[key]
        records = self._store.records_of(chain) if self._plan.done.issuperset(chain) else {}
        return list(records.values()) if len(records) == len(chain) else None

    @cached_property
    def _plan(self) -> Plan:
        return known_plan(self._sweep, self._store)[0]

    @cached_property
    def _keys(self) -> Mapping[tuple[str, str, str, str], Mapping[int, str]]:
        """By cell and seed."""
        found: dict[tuple[str, str, str, str], dict[int, str]] = {}
        for cell in self._plan.cells:
            name = (cell.backbone, cell.method, sources_text(cell.sources), cell.target)
            found.setdefault(name, {})[cell.seed] = cell.key
        return found


def _cost(quantity: Quantity, chain: list[Record] | None) -> float | None:
    if chain is None:
        return None
    if quantity == "seconds":
        return float(sum(map(_seconds, chain)))
    if quantity == "memory":
        peaks = _said(chain, "peak_memory_bytes")
        return None if peaks is None else max(peaks) / _GIB
    trained = _said([record for record in chain if record["product"] == "prompt"], "trained_parameters")
    return None if trained is None else sum(trained) / _MILLION


def _seconds(record: Record) -> float:
    """Of a training, those inside it: a stack's other seconds are of reading models and rows, whoever reads first."""
    inside = record.get("training_seconds")
    return float(record["seconds"] if inside is None else inside)


def _said(records: list[Record], name: str) -> list[Any] | None:
    """Of each record; None where one is too old to have it."""
    found = [record.get(name) for record in records]
    return None if None in found else found
