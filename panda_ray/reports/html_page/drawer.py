"""What the page holds as data for the drawer of a cell, as small as it can be: a script reads it when one is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from panda_ray.tracking.reading.study import Study, Training

_COLUMNS = (
    "backbone",
    "method",
    "sources",
    "target",
    "seed",
    "measure",
    "score",
    "score_last",
    "score_first_epoch",
    "key",
)

MOST_POINTS = 50
"""Of a curve: a drawer's chart is 330 pixels wide."""

_GIB = 1 << 30


def finished(study: Study) -> dict[str, Any]:
    """Every finished cell; 20,000 of them take 2.5 MB."""
    scores = study.scores[list(_COLUMNS)].astype(object)
    return {"columns": _COLUMNS, "rows": scores.where(scores.notna(), None).to_numpy().tolist()}


def trainings(study: Study) -> list[dict[str, Any] | None]:
    """How each of them was trained, in the same order; None where MLflow has lost it."""
    found = (study.trainings.get(key) for key in study.scores["key"])
    return [None if training is None else _drawn(training) for training in found]


def _drawn(training: Training) -> dict[str, Any]:
    epochs = len(training.score)
    every = -(-epochs // MOST_POINTS)
    kept = [*range(0, epochs - 1, every), epochs - 1]
    memory = training.peak_memory_bytes
    return {
        "epochs": epochs,
        "every": every,
        "score": _rounded([training.score[epoch] for epoch in kept], 1),
        "loss": _rounded([training.loss[epoch] for epoch in kept], 3),
        "seconds": round(training.seconds, 1),
        "gib": None if memory is None else round(memory / _GIB, 1),
    }


def _rounded(values: Sequence[float | None], digits: int) -> list[float | None]:
    return [None if value is None else round(value, digits) for value in values]
