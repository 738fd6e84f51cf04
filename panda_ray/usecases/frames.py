"""What the cells of a sweep left, as frames: states, learning curves and predictions, from the store alone."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from panda_ray.execution.planning.states import stored_states
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import PREDICTIONS_FILE
from panda_ray.execution.units.cells import Cell
from panda_ray.sweep import Sweep, sources_text
from panda_ray.usecases.searching.searches import known_plan

CELL = ("backbone", "method", "sources", "target", "seed")
"""The columns that name a cell; `method` is the sweep's label, `sources` is `a+b` where there are several."""

CURVE_COLUMNS = (*CELL, "epoch", "loss", "score", "score_select", "score_report")
"""One epoch of a finished cell: mean training loss, and percent on the dev set and on both halves of it."""

PREDICTION_COLUMNS = (*CELL, "item", "select", "reference", "prediction", "prediction_honest")
"""One dev item of a finished cell, as `predictions.parquet` has it."""


def cells_frame(sweep: Sweep, where: Mapping[str, object] | None = None) -> pd.DataFrame:
    """Every cell, with its key and its state.

    Args:
        where: value per column of `CELL`; other cells are left out.

    Raises:
        InputError: for what cannot be planned.
    """
    store = Store(sweep.storage)
    plan, _ = known_plan(sweep, store)
    states = stored_states(plan, store)
    rows = [[*_names(cell), cell.key, states[cell.key]] for cell in _wanted(plan.cells, where)]
    return pd.DataFrame(rows, columns=[*CELL, "key", "state"])


def curves_frame(sweep: Sweep, where: Mapping[str, object] | None = None) -> pd.DataFrame:
    """Learning curves (`CURVE_COLUMNS`); arguments and errors as those of `cells_frame`."""
    store, cells = _finished(sweep, where)
    records = store.records_of(cell.key for cell in cells)
    rows = [
        [*_names(cell), *(epoch[name] for name in CURVE_COLUMNS[len(CELL) :])]
        for cell in cells
        for epoch in records[cell.key].get("history", ())
    ]
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def predictions_frame(sweep: Sweep, where: Mapping[str, object] | None = None) -> pd.DataFrame:
    """Predictions (`PREDICTION_COLUMNS`); arguments as those of `cells_frame`.

    Raises:
        InputError: for what cannot be planned.
        LookupError: a file was damaged meanwhile.
    """
    store, cells = _finished(sweep, where)
    records = store.records_of(cell.key for cell in cells)
    files = store.read_files([(key, PREDICTIONS_FILE) for key in records], records)
    parts = [_predictions(cell, files[cell.key, PREDICTIONS_FILE]) for cell in cells]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(PREDICTION_COLUMNS))


def _predictions(cell: Cell, found: bytes | LookupError) -> pd.DataFrame:
    if isinstance(found, LookupError):
        raise found
    frame = pd.read_parquet(io.BytesIO(found))
    named = frame.assign(**dict(zip(CELL, _names(cell), strict=True)))
    return named[list(PREDICTION_COLUMNS)]


def _finished(sweep: Sweep, where: Mapping[str, object] | None) -> tuple[Store, Sequence[Cell]]:
    store = Store(sweep.storage)
    plan, _ = known_plan(sweep, store)
    return store, [cell for cell in _wanted(plan.cells, where) if cell.key in plan.done]


def _wanted(cells: Sequence[Cell], where: Mapping[str, object] | None) -> list[Cell]:
    wanted = {(CELL.index(name), value) for name, value in (where or {}).items()}
    return [cell for cell in cells if wanted <= set(enumerate(_names(cell)))]


def _names(cell: Cell) -> list[Any]:
    return [cell.backbone, cell.method, sources_text(cell.sources), cell.target, cell.seed]
