"""Operations counted in a run against arithmetic written out by hand; the arithmetic around memory and idle time."""

from __future__ import annotations

import pytest
import torch

from benchmarks import limit, memory
from benchmarks.competitors import stacked
from benchmarks.measuring.idle import covered
from benchmarks.workloads import workload
from benchmarks.workloads.lengths import Lengths
from benchmarks.workloads.setting import Setting

ROWS, TOKENS, PREFIX, HIDDEN = 8, 24, 20, 128


@pytest.fixture
def rows_of_one_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without padding, what is executed is what arithmetic says."""
    monkeypatch.setattr(workload, "load_lengths", lambda task: Lengths(task, 3, {TOKENS: 100}))


def products_by_hand() -> tuple[int, int]:
    """Forward and backward operations of one row in the tiny BERT, whose second layer is only read at the first token.

    A product of (T, A) with (A, B) has 2 T A B operations.
    """
    one_projection, one_feed_forward = 2 * HIDDEN * HIDDEN, 2 * 2 * HIDDEN * 4 * HIDDEN
    attention = 2 * 2 * (PREFIX + TOKENS) * HIDDEN
    first = TOKENS * (4 * one_projection + one_feed_forward + attention)
    last = TOKENS * 2 * one_projection + 2 * one_projection + one_feed_forward + attention
    # The first layer's tokens get no gradient: not by their projections, nor by one of the products with its queries.
    without_gradient = TOKENS * (3 * one_projection + attention // 2)
    return first + last, first + last + (TOKENS + 1) * attention - without_gradient


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
    pooler, head, evaluated = 2 * HIDDEN * HIDDEN, 2 * HIDDEN * 3, 4
    one_row = forward + backward + 2 * pooler + 3 * head
    one_epoch = counted(1, 1)
    assert one_epoch == pytest.approx(ROWS * one_row + evaluated * (forward + pooler + head), rel=0.001)
    assert counted(1, 2) == 2 * one_epoch
    assert counted(3, 1) == pytest.approx(3 * one_epoch, rel=0.01)


def test_a_line_through_peaks_says_how_many_members_fit() -> None:
    per_member, fixed = memory.fit([1, 2, 4], [1_100, 1_200, 1_400])
    assert (per_member, fixed) == pytest.approx((100, 1_000))
    assert memory.widest(1_599, fixed, per_member) == 5
    assert memory.widest(10, fixed, per_member) == 0


def test_overlapping_kernels_count_once() -> None:
    assert covered([(5, 7), (0, 2), (1, 3), (1, 2)]) == 5


@pytest.mark.parametrize("multiply", [torch.mm, limit._frozen])
def test_the_peak_grows_with_no_more_than_the_machine(multiply: limit.Multiply) -> None:
    rate = limit._matmul_rate(128, torch.device("cpu"), torch.float32, multiply)
    assert 1e8 < rate < 1e14
