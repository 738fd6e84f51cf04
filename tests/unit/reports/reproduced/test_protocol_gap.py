"""The gap between the protocols compares two epochs on the same rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from panda_ray.reports.numbers.comparison import ProtocolGap, protocol_gaps
from panda_ray.tasks.measures.scores import reduce
from panda_ray.tracking.reading.study import SCORE_COLUMNS, ItemStatistics
from support.sweeps.studies import unbalanced_study

SELECT = np.array([True] * 4 + [False] * 6)


def right(*items: int) -> np.ndarray:
    """Accuracy's statistics of predictions that are right on these of ten items."""
    return np.isin(np.arange(10), items).astype(float)[:, None]


def gap_of(cells: dict[tuple[str, str, int], ItemStatistics]) -> ProtocolGap:
    rows = [
        ("tiny", "pot", source, target, seed, 0.0, 0.0, 0.0, "accuracy", f"{target} {source} {seed}", 0.0, 0.0)
        for target, source, seed in cells
    ]
    scores = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
    examples = {f"{target} {source} {seed}": unit for (target, source, seed), unit in cells.items()}
    [gap] = protocol_gaps(scores, examples, ["pot"], 50)
    return gap


def test_one_epoch_for_both_has_no_gap_whatever_the_halves_are_worth() -> None:
    """All of the selecting half right, a third of the reported one: 60 % on the whole, 33 % on the half."""
    same = right(0, 1, 2, 3, 4, 5)
    gap = gap_of({("cb", "rte", 1): ItemStatistics(SELECT, same, same)})
    assert gap.gap == 0.0
    assert gap.whole == gap.honest == pytest.approx(100 / 3)
    assert gap.interval is not None
    assert (gap.interval.low, gap.interval.high) == (0.0, 0.0)


def test_gap_is_the_difference_of_two_epochs_on_the_reported_half() -> None:
    """The whole chose five right of the reported six, the selecting half an epoch with two of them."""
    whole, half = right(0, 4, 5, 6, 7, 8), right(0, 1, 2, 4, 5)
    gap = gap_of({("cb", "rte", 1): ItemStatistics(SELECT, whole, half)})
    assert (gap.whole, gap.honest) == (pytest.approx(100 * 5 / 6), pytest.approx(100 * 2 / 6))
    assert gap.gap == pytest.approx(50.0)
    mixed = reduce("accuracy", whole) - reduce("accuracy", half[~SELECT])
    assert mixed == pytest.approx(60 - 100 / 3)
    assert gap.interval is not None
    assert gap.interval.estimate == pytest.approx(gap.gap)
    assert gap.interval.low < gap.gap < gap.interval.high


def test_targets_with_few_cells_count_as_much_as_others() -> None:
    wide = ItemStatistics(SELECT, right(4, 5, 6), right())
    none = ItemStatistics(SELECT, right(0), right(0))
    gap = gap_of({("cb", "rte", 1): wide, ("rte", "cb", 1): none, ("rte", "cb", 2): none, ("rte", "rte", 1): none})
    assert gap.gap == pytest.approx(25.0)
    assert gap.cells == 4


def test_cells_without_predictions_are_left_out() -> None:
    study = unbalanced_study()
    lost = study.scores[study.scores["method"] == "panda"]["key"].iloc[:5]
    examples = {key: unit for key, unit in study.examples.items() if key not in set(lost)}
    gaps = {gap.method: gap for gap in protocol_gaps(study.scores, examples, list(study.methods), 20)}
    assert gaps["panda"].cells == (study.scores["method"] == "panda").sum() - 5
    assert gaps["pot"].cells == (study.scores["method"] == "pot").sum()
    assert all(gap.interval is not None for gap in gaps.values())
    nothing = replace(study, examples={})
    assert protocol_gaps(nothing.scores, nothing.examples, list(nothing.methods), 20) == []
