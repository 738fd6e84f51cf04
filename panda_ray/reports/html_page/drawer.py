"""What the page holds as data for the drawer of a cell, as small as it can be: a script reads it when one is opened."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from panda_ray.reports.numbers.analysis import Analysis
from panda_ray.reports.numbers.turned_items import Cases, DevRows
from panda_ray.tasks.measures.scores import of_items_title
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

LONGEST_TEXT = 240
"""Characters of an item that are shown."""

_GIB = 1 << 30


def finished(study: Study) -> dict[str, Any]:
    """Every finished cell; 20,000 of them take 2.5 MB."""
    scores = study.scores[list(_COLUMNS)].astype(object)
    return {"columns": _COLUMNS, "rows": scores.where(scores.notna(), None).to_numpy().tolist()}


def trainings(study: Study) -> list[dict[str, Any] | None]:
    """How each of them was trained, in the same order; None where MLflow has lost it."""
    found = (study.trainings.get(key) for key in study.scores["key"])
    return [None if training is None else _drawn(training) for training in found]


def cases(study: Study, analyses: Iterable[Analysis], rows: Mapping[str, DevRows]) -> dict[str, Any]:
    """What every transfer does to single items, by backbone, method, sources and target, and the items' texts.

    Of rows that may be shown, also what was answered with and without the transfer.
    """
    every = [(analysis.backbone, name, of) for analysis in analyses for name, of in analysis.cases.items()]
    shown: dict[str, set[int]] = defaultdict(set)
    keys: dict[str, set[str]] = defaultdict(set)
    for _, (_, _, target), of in every:
        shown[target] |= {case.item for case in (*of.helped, *of.hurt)}
        keys[target] |= {key for pair in of.keys for key in pair}
    known = {target: rows[target] for target in shown if target in rows and rows[target].rows}
    answers = {target: of_target.answers(keys[target], shown[target]) for target, of_target in known.items()}
    found: dict[str, Any] = {}
    for backbone, (method, sources, target), of in every:
        of_method = found.setdefault(backbone, {}).setdefault(method, {})
        of_method.setdefault(sources, {})[target] = _counted(of, answers.get(target, {}))
    return {"targets": {target: _target(study, target, items, rows) for target, items in shown.items()}, "cells": found}


def _counted(of: Cases, answers: Mapping[str, Mapping[int, str]]) -> dict[str, Any]:
    """A case is its item, how right it is without and with the transfer, and where that is known what was answered."""
    after, before = zip(*of.keys, strict=True)
    listed = {
        name: [
            [case.item, round(case.before, 2), round(case.after, 2)]
            + ([_said(before, answers, case.item), _said(after, answers, case.item)] if answers else [])
            for case in each
        ]
        for name, each in (("helped", of.helped), ("hurt", of.hurt))
    }
    return {"seeds": len(of.keys), "items": of.items, "better": of.better, "worse": of.worse, **listed}


def _said(keys: Iterable[str], answers: Mapping[str, Mapping[int, str]], item: int) -> str:
    """What several seeds answered, the most frequent first; of answers that differ, how many seeds gave each."""
    known = Counter(answers[key][item] for key in keys if item in answers.get(key, {}))
    if len(known) == 1:
        return _cut(*known)
    return "; ".join(f"{_cut(text)} ({count})" for text, count in known.most_common())


def _target(study: Study, target: str, items: Collection[int], rows: Mapping[str, DevRows]) -> dict[str, Any]:
    known = rows.get(target, DevRows())
    texts = {item: [_cut(part) for part in known.rows[item]] for item in sorted(items) if item < len(known.rows)}
    return {"what": of_items_title(study.tasks[target].measure), "absence": known.absence, "texts": texts}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}\N{HORIZONTAL ELLIPSIS}"


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
