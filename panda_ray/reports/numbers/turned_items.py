"""Which dev items a transfer helps and which it hurts, against the same seeds without it.

Shape letters: I dev items.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panda_ray.reports.numbers.frame import CellName
from panda_ray.reports.numbers.gains import MethodGain, TransferGain
from panda_ray.tasks.measures.scores import of_items
from panda_ray.tracking.reading.study import Study

SHOWN = 3
"""Cases of either sort."""


AnswersOf = Callable[[Collection[str], Collection[int]], Mapping[str, Mapping[int, str]]]
"""By the keys of units, what they answered to some items, in words; units whose answers are not known are left out."""


def _no_answers(_keys: Collection[str], _items: Collection[int]) -> Mapping[str, Mapping[int, str]]:
    return {}


@dataclass(frozen=True)
class DevRows:
    """The dev rows of a target, as people read them.

    Attributes:
        rows: (text, what is right) per item; empty where they may not be shown, or are not here.
        absence: why.
        answers: of units of the target, asked once for all that are shown.
    """

    rows: Sequence[tuple[str, str]] = ()
    absence: str = ""
    answers: AnswersOf = _no_answers


NO_ROWS: Mapping[str, DevRows] = {}

RowsOf = Callable[[Study], Mapping[str, DevRows]]
"""Rows by target: MLflow has none, so whoever has them hands them in."""


@dataclass(frozen=True)
class Case:
    """One item: how right it is without and with the transfer (`of_items`), mean over the seeds."""

    item: int
    before: float
    after: float


@dataclass(frozen=True)
class Cases:
    """What a transfer does to single items.

    Attributes:
        keys: of the units with and without the transfer, for each seed that both have.
        better, worse: how many of the items that the score counts.
        helped, hurt: those that change most; of equal ones the first.
    """

    keys: tuple[tuple[str, str], ...]
    items: int
    better: int
    worse: int
    helped: tuple[Case, ...]
    hurt: tuple[Case, ...]


def cases_of(study: Study, gains: Iterable[MethodGain]) -> Mapping[CellName, Cases]:
    """Of every transfer whose items are known."""
    found = {
        (transfer.method, transfer.sources, transfer.target): _cases(study, transfer)
        for gain in gains
        for transfer in gain.transfers
    }
    return {name: cases for name, cases in found.items() if cases is not None}


def _cases(study: Study, transfer: TransferGain) -> Cases | None:
    measure = study.tasks[transfer.target].measure
    pairs = [pair for pair in transfer.keys.values() if all(key in study.examples for key in pair)]
    if not pairs:
        return None
    after_I, before_I = (np.mean([_rightness(study, measure, pair[side]) for pair in pairs], axis=0) for side in (0, 1))
    change_I = after_I - before_I
    item_I = _items(study, pairs[0][0])
    order_I = np.argsort(-change_I, kind="stable")
    helped = [place for place in order_I[:SHOWN] if change_I[place] > 0]
    hurt = [place for place in np.argsort(change_I, kind="stable")[:SHOWN] if change_I[place] < 0]
    listed = (
        tuple(Case(int(item_I[place]), float(before_I[place]), float(after_I[place])) for place in places)
        for places in (helped, hurt)
    )
    return Cases(tuple(pairs), len(item_I), int((change_I > 0).sum()), int((change_I < 0).sum()), *listed)


def _rightness(study: Study, measure: str, key: str) -> NDArray[np.float64]:
    return of_items(measure, study.examples[key].of(study.protocol))


def _items(study: Study, key: str) -> NDArray[np.int64]:
    """Numbers of the items that the score counts: under `honest`, those of one half."""
    select_I = study.examples[key].select_I
    return np.arange(len(select_I)) if study.protocol == "paper" else np.flatnonzero(~select_I)
