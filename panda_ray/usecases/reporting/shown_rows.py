"""The dev rows that a report may show, with what was answered: of public and built-in sets, of own files if asked."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import pyarrow.parquet as pq

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import PREDICTIONS_FILE
from panda_ray.reports.numbers.turned_items import DevRows
from panda_ray.sweep import Sweep
from panda_ray.sweep.hyperparameters import TaskSection
from panda_ray.sweep.named_tasks import task_of
from panda_ray.tasks.caching.survey import survey
from panda_ray.tasks.rows.hub import is_cached
from panda_ray.tasks.rows.loading import read_dev
from panda_ray.tasks.task import FileOrigin, HubOrigin, Row, TaskSpec, UserOrigin
from panda_ray.tracking.reading.study import Study

_LICENSED = "rows of a licensed set are not shown"
_OWN = "rows of your own files are shown by `panda-ray report SWEEP --own-rows`, and MLflow keeps that page"
_NOT_HERE = "its rows are not on this machine"
_OTHERS = "the rows on this machine are not those that were trained on"


def shown_rows(sweep: Sweep, study: Study, own_rows: bool) -> Mapping[str, DevRows]:
    """By target. Nothing is fetched, and rows that are not those of the study are not shown."""
    return {target: _rows(sweep, target, study.tasks[target].fingerprint, own_rows) for target in study.targets}


def row_text(spec: TaskSpec, row: Row) -> str:
    """What a row asks, as one text."""
    return " | ".join(" / ".join(filter(None, text)) for text in spec.kind.texts(spec, row))


def absence_of(sweep: Sweep, target: str, fingerprint: str, own_rows: bool) -> str:
    """Why rows of a target are not shown; empty where they are. Nothing is fetched.

    Args:
        fingerprint: of the rows that the study was trained on.
    """
    spec, section = task_of(target, sweep.tasks), sweep.tasks.get(target, TaskSection())
    if isinstance(spec.origin, UserOrigin):
        return _LICENSED
    if isinstance(spec.origin, FileOrigin) and not own_rows:
        return _OWN
    try:
        if sweep.data_root is None and isinstance(spec.origin, HubOrigin) and not is_cached(spec.origin):
            return _NOT_HERE
        found = survey(spec, sweep.data_root, section.max_train_rows, section.max_dev_rows).fingerprint
    except (InputError, OSError):
        return _NOT_HERE
    return "" if found == fingerprint else _OTHERS


def _rows(sweep: Sweep, target: str, fingerprint: str, own_rows: bool) -> DevRows:
    if absence := absence_of(sweep, target, fingerprint, own_rows):
        return DevRows(absence=absence)
    spec, section = task_of(target, sweep.tasks), sweep.tasks.get(target, TaskSection())
    try:
        rows = read_dev(spec, sweep.data_root, section.max_train_rows, section.max_dev_rows)
    except (InputError, OSError):
        return DevRows(absence=_NOT_HERE)
    shown = [(row_text(spec, row), in_words(spec, spec.kind.reference(spec, row))) for row in rows]
    return DevRows(shown, answers=partial(_answers, sweep, spec))


def in_words(spec: TaskSpec, answer: Any) -> str:
    """An answer, or what is right, as people call it."""
    named = spec.kind.named(spec, answer)
    return named if isinstance(named, str) else json.dumps(named, ensure_ascii=False)


def _answers(
    sweep: Sweep, spec: TaskSpec, keys: Collection[str], items: Collection[int]
) -> Mapping[str, Mapping[int, str]]:
    """Of units that are in the sweep's store; MLflow has how right an answer was, and not the answer.

    Of a remote store none: two requests for each of some 10,000 units are more than a page is worth.
    """
    store = Store(sweep.storage)
    if store.local_folder is None:
        return {}
    try:
        files = store.read_files([(key, PREDICTIONS_FILE) for key in sorted(keys)])
    except (InputError, OSError):
        return {}
    columns = ["item", "prediction" if sweep.protocol == "paper" else "prediction_honest"]
    found = {}
    for (key, _), content in files.items():
        if isinstance(content, bytes):
            table = pq.read_table(io.BytesIO(content), columns=columns, use_threads=False)
            said = zip(*(table[column].to_pylist() for column in columns), strict=True)
            found[key] = {item: in_words(spec, json.loads(answer)) for item, answer in said if item in items}
    return found
