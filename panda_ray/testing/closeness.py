"""When two floating-point results are the same: a bound made of the type's eps and of how large the numbers are.

Processors, thread counts and libraries add the same numbers in another order, so results differ by roundings: some per
layer, of the size of the largest intermediate numbers, wherever in a tensor they end up. Faults are larger by orders.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

ROUNDINGS = 128
"""Roundings of the largest number that may add up: a few for each of the operations that tests here have in a row."""


def rounding(dtype: torch.dtype, magnitude: float = 1.0) -> float:
    """How far two results may be apart whose largest numbers have that magnitude."""
    return ROUNDINGS * torch.finfo(dtype).eps * magnitude


def assert_close(actual: Tensor | None, expected: Tensor | None) -> None:
    """Equal but for rounding, at every place."""
    assert actual is not None
    assert expected is not None
    torch.testing.assert_close(actual, expected, rtol=0.0, atol=rounding(expected.dtype, _largest(expected)))


def assert_trained_close(actual: Tensor, expected: Tensor) -> None:
    """Equal but for rounding on the whole: at some places Adam makes a step of a gradient that is rounding alone."""
    assert actual.shape == expected.shape
    distance = float((actual - expected).square().mean().sqrt())
    assert distance <= rounding(expected.dtype, _largest(expected)), distance


def losses_like(expected: list[float]) -> object:
    """What equals float32 losses but for rounding."""
    return pytest.approx(expected, rel=rounding(torch.float32))


def _largest(x: Tensor) -> float:
    return float(x.detach().abs().max()) if x.numel() else 0.0
