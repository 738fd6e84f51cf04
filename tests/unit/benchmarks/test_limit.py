"""Operations counted in a run against arithmetic written out by hand; the arithmetic around memory and idle time."""

from __future__ import annotations

import pytest
import torch

from benchmarks import limit, memory, stacked, workload
from benchmarks.idle import covered
from benchmarks.lengths import Lengths
from benchmarks.setting import Setting

ROWS, TOKENS, PREFIX, LAYERS, HIDDEN = 8, 24, 20, 2, 128


@pytest.fixture
def rows_of_one_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without padding, what is executed is what arithmetic says."""
    monkeypatch.setattr(workload, "load_lengths", lambda task: Lengths(task, 3, {TOKENS: 100}))


def products_by_hand() -> tuple[int, int]:
    """Forward and backward operations of one row in the tiny BERT, nothing left out of the last layer.

    A product of (T, A) with (A, B) has 2 T A B operations.
    """
    projections = 4 * 2 * TOKENS * HIDDEN * HIDDEN
    feed_forward = 2 * 2 * TOKENS * HIDDEN * 4 * HIDDEN
    attention = 2 * 2 * TOKENS * (PREFIX + TOKENS) * HIDDEN
    forward = LAYERS * (projections + feed_forward + attention)
    without_gradient = 3 * 2 * TOKENS * HIDDEN * HIDDEN  # queries, keys, values of the first layer's tokens
    return forward, LAYERS * (projections + feed_forward + 2 * attention) - without_gradient


@pytest.mark.usefixtures("rows_of_one_length")
def test_useful_operations_are_those_by_hand() -> None:
    setting = Setting("tiny", "cb", "panda", torch.device("cpu"), rows=ROWS, batch_size=ROWS, epochs=3)
    forward, backward = products_by_hand()
    by_hand = 2 * ROWS * (3 * (forward + backward) + forward)
    assert limit.useful_operations(setting, width=2) == pytest.approx(by_hand)


@pytest.mark.usefixtures("rows_of_one_length")
def test_operations_are_counted_for_every_step_and_member() -> None:
    def counted(width: int, epochs: int) -> int:
        setting = Setting("tiny", "cb", "pot", torch.device("cpu"), rows=ROWS, batch_size=ROWS, epochs=epochs)
        return limit.count_operations(lambda: stacked.prepare(setting, width))

    forward, backward = products_by_hand()
    one_epoch = counted(1, 1)
    evaluation_rows = 4
    upper = ROWS * (forward + 1.3 * backward) + evaluation_rows * forward  # fused attention computes its scores again
    # The last layer may be run for [CLS] alone; the first one cannot be left out.
    assert 0.5 * ROWS * (forward + backward) < one_epoch < 1.02 * upper
    assert counted(1, 2) == 2 * one_epoch
    assert counted(3, 1) == pytest.approx(3 * one_epoch, rel=0.01)


def test_a_line_through_peaks_says_how_many_members_fit() -> None:
    per_member, fixed = memory.fit([1, 2, 4], [1_100, 1_200, 1_400])
    assert (per_member, fixed) == pytest.approx((100, 1_000))
    assert memory.widest(1_599, fixed, per_member) == 5
    assert memory.widest(10, fixed, per_member) == 0


def test_overlapping_kernels_count_once() -> None:
    assert covered([(5, 7), (0, 2), (1, 3), (1, 2)]) == 5


def test_the_peak_grows_with_no_more_than_the_machine() -> None:
    rate = limit._matmul_rate(128, torch.device("cpu"), torch.float32)
    assert 1e8 < rate < 1e14
