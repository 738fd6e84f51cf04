"""Cheap masks: the share of zeros, the mean, independence, gradients, and streams that a seed decides."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from panda_ray.backbones.dropout import Dropout, dropout, use_cheap_masks


@pytest.mark.parametrize("share", [0.1, 0.37, 0.9])
def test_zeros_and_mean_are_as_asked_for(share: float) -> None:
    torch.manual_seed(0)
    dropped = dropout(torch.ones(1000, 1003), share)
    zeros = float((dropped == 0).double().mean())
    assert zeros == pytest.approx(share, abs=4 * (share * (1 - share) / dropped.numel()) ** 0.5 + 1 / (1 << 16))
    assert dropped.unique().numel() == 2
    assert float(dropped.double().mean()) == pytest.approx(1, abs=0.01)


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(0)
    zero = dropout(torch.ones(1 << 20), 0.5) == 0
    for distance in (1, 2, 3, 4, 8):
        both = float((zero[:-distance] & zero[distance:]).double().mean())
        assert both == pytest.approx(0.25, abs=0.003)


def test_gradients_pass_where_values_did() -> None:
    x = torch.randn(7, 5, requires_grad=True)
    dropped = dropout(x, 0.5)
    dropped.sum().backward()
    torch.testing.assert_close(x.grad, torch.where(dropped == 0, 0.0, 2.0))


def test_an_expanded_tensor_is_dropped_per_copy() -> None:
    torch.manual_seed(0)
    dropped = dropout(torch.ones(1, 1000).expand(2, 1000), 0.5)
    assert not torch.equal(dropped[0], dropped[1])


def test_a_seed_decides_the_masks_and_zero_draws_nothing() -> None:
    x = torch.ones(100)
    torch.manual_seed(3)
    first = dropout(x, 0.5)
    torch.manual_seed(3)
    assert dropout(x, 0.0) is x
    assert torch.equal(dropout(x, 0.5), first)


def test_every_dropout_of_a_model_is_replaced() -> None:
    model = nn.Sequential(nn.Dropout(0.3), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1)))
    use_cheap_masks(model)
    assert [module.p for module in model.modules() if type(module) is Dropout] == [0.3, 0.1]
    assert not [module for module in model.modules() if type(module) is nn.Dropout]
    x = torch.ones(4, 2)
    assert torch.equal(model[0].eval()(x), x)
