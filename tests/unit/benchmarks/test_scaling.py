"""A watched collective gives what the one inside gives, and knows how much was said; the table shows it."""

from __future__ import annotations

import torch

from benchmarks.scaling.efficiency import Scaling
from benchmarks.scaling.watched import Watched
from benchmarks.written.report import _scaling
from panda_ray.training.engine.collective import SOLO, sum_gradients


def test_a_watched_collective_counts_what_a_step_sums() -> None:
    watched = Watched(SOLO, torch.device("cpu"))
    leaves = [torch.ones(2, 3, requires_grad=True), torch.ones(2, requires_grad=True)]
    leaves[0].sum().backward()  # type: ignore[no-untyped-call]
    losses_S, is_asked = sum_gradients(leaves, torch.tensor([1.0, 2.0]), True, watched)
    assert (watched.sums, watched.summed_bytes) == (1, (6 + 2 + 2 + 1) * 4)
    assert losses_S.tolist() == [1.0, 2.0]
    assert is_asked
    assert [leaf.grad.sum().item() for leaf in leaves if leaf.grad is not None] == [6.0, 0.0]
    assert watched.gather("a") == ["a"]
    assert watched.share(lambda: "b") == "b"


def test_the_table_shows_efficiency_and_bytes() -> None:
    rates = {"alone": 10.0, "together": 19.0}
    scaling = Scaling("small", "rte", 4, 8, rates, 0.95, 0.98, 0.01, 0.02, 2_000_000, [])
    assert list(_scaling({"measured": [scaling.as_json()]}))[-1] == (
        "| small | rte | 4 | 10.0 | 19.0 | 95% | 98% | 1.0% | 2.0% | 2.00 |"
    )
