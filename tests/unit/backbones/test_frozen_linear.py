"""Frozen layers give what `nn.Linear` gives, with the gradient of the input, and oneDNN meets few shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn

from panda_ray.backbones.forward import frozen_linear
from panda_ray.backbones.forward.blocks import Layout, Tokens
from panda_ray.backbones.forward.frozen_linear import FrozenLinear, onednn_is_right, use_frozen_linear
from panda_ray.testing.closeness import assert_close
from panda_ray.testing.random_models import random_prefixes
from support.trained.models import random_backbone, random_tokens


def linear(bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(24, 40, bias=bias).requires_grad_(False)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7, 24), (1, 33, 24), (2, 3, 5, 24)])
def test_outputs_and_gradients_are_those_of_a_linear_layer(shape: tuple[int, ...], bias: bool) -> None:
    plain = linear(bias)
    ours = torch.randn(shape, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_(True)
    output, expected = FrozenLinear(plain)(ours), plain(theirs)
    assert_close(output, expected)
    for each in (output, expected):
        each.square().sum().backward()
    assert_close(ours.grad, theirs.grad)


def test_gradients_need_not_lie_in_order() -> None:
    plain = linear()
    ours = torch.randn(6, 24, requires_grad=True)
    for gradient in (torch.randn(40, 6).t(), torch.randn(1, 40).expand(6, 40)):
        ours.grad = None
        FrozenLinear(plain)(ours).backward(gradient)
        assert_close(ours.grad, gradient @ plain.weight)


@pytest.mark.parametrize("bias", [True, False])
def test_autocast_gives_the_same_bits_and_casts_weights_once(bias: bool) -> None:
    plain = linear(bias)
    frozen = FrozenLinear(plain)
    ours = torch.randn(5, 24, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_(True)
    casts = []
    for _ in range(2):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output, expected = frozen(ours), plain(theirs)
        assert output.dtype == torch.bfloat16
        assert torch.equal(output, expected)
        for each in (output, expected):
            each.float().square().sum().backward()
        assert ours.grad is not None
        assert torch.equal(ours.grad, theirs.grad)
        casts.append(frozen._cast)
    assert casts[0] is casts[1]
    assert_close(frozen(ours), plain(theirs))


def test_parameters_are_shared_and_a_subclass_is_left_alone() -> None:
    class Own(nn.Linear):
        """Computes something else."""

    model = nn.Sequential(linear(), nn.ReLU(), Own(40, 2))
    weight = model[0].weight
    use_frozen_linear(model)
    assert isinstance(model[0], FrozenLinear)
    assert model[0].weight is weight
    assert type(model[2]) is Own


def test_every_linear_layer_of_a_backbone_is_frozen() -> None:
    backbone = random_backbone()
    assert {type(module) for module in backbone._model.modules() if isinstance(module, nn.Linear)} == {FrozenLinear}


@pytest.mark.parametrize("pooled_only", [True, False])
def test_what_fills_a_pass_up_reaches_nobody(pooled_only: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, blocks = random_backbone(), [random_tokens([5, 5]), random_tokens([9, 12])]
    assert Layout(blocks, 0, causal=False, pooled="first").filler
    found = []
    for filler in (None, 0):
        if filler is not None:
            monkeypatch.setattr("panda_ray.backbones.forward.blocks._filler", lambda _: 0)
        prefix = random_prefixes(backbone, 1).requires_grad_(True)
        features = backbone.forward(blocks, prefix, position_offset=True, pooled_only=pooled_only)
        torch.cat([block.hidden_RTD.flatten() for block in features]).square().sum().backward()
        found.append([*(block.pooled_RD for block in features), prefix.grad])
    for ours, theirs in zip(*found, strict=True):
        assert_close(ours, theirs)


def test_passes_of_many_lengths_share_few_shapes() -> None:
    tokens_of = {
        length: Tokens(ids := torch.zeros(1, length), ids, torch.tensor([length])) for length in range(1, 8193)
    }
    filled = {
        length: length + Layout([tokens], 20, causal=False, pooled="first").filler
        for length, tokens in tokens_of.items()
    }
    assert len(set(filled.values())) <= 16 * 5
    assert all(longer <= 1.0625 * length for length, longer in filled.items() if length >= 512)


@pytest.fixture
def checked_anew() -> Iterator[None]:
    onednn_is_right.cache_clear()
    yield
    onednn_is_right.cache_clear()


def missing(*_: Any) -> torch.Tensor:
    raise AttributeError("'_OpNamespace' 'mkldnn' object has no attribute '_linear_pointwise'")


def raising(*_: Any) -> torch.Tensor:
    raise RuntimeError("mkldnn::_linear_pointwise() is missing value for argument")


def without_bias(x: torch.Tensor, weight: torch.Tensor, *_: Any) -> torch.Tensor:
    return nn.functional.linear(x, weight)


def wrong_gradient(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *_: Any) -> torch.Tensor:
    """Reads a transposed weight as if it lay in order."""
    lying = weight if weight.is_contiguous() else weight.t().reshape(weight.shape)
    return nn.functional.linear(x, lying, bias)


def wrong_without_bias(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *_: Any) -> torch.Tensor:
    return nn.functional.linear(x, weight, bias) * (1 if bias is not None else 1.001)


def wrong_at_odd_sizes(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *_: Any) -> torch.Tensor:
    product = nn.functional.linear(x, weight, bias)
    product[..., product.shape[-1] // 8 * 8 :] = 0
    return product


def not_a_number(x: torch.Tensor, weight: torch.Tensor, *_: Any) -> torch.Tensor:
    return nn.functional.linear(x, weight) * float("nan")


@pytest.mark.usefixtures("checked_anew")
@pytest.mark.parametrize(
    "operator", [missing, raising, without_bias, wrong_gradient, wrong_without_bias, wrong_at_odd_sizes, not_a_number]
)
@pytest.mark.parametrize("bias", [True, False])
def test_an_operator_that_is_missing_or_wrong_leaves_the_layer_to_pytorch(
    operator: Callable[..., torch.Tensor], bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", operator)
    plain = linear(bias)
    ours = torch.randn(5, 24, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_(True)
    output, expected = FrozenLinear(plain)(ours), plain(theirs)
    assert torch.equal(output, expected)
    for each in (output, expected):
        each.square().sum().backward()
    assert ours.grad is not None
    assert torch.equal(ours.grad, theirs.grad)


@pytest.mark.usefixtures("checked_anew")
@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")
def test_an_operator_that_is_right_is_used_and_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    product = frozen_linear._product

    def counted(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        asked.append(tuple(x.shape))
        return product(x, weight, bias)

    monkeypatch.setattr(frozen_linear, "_product", counted)
    random = torch.get_rng_state()
    frozen = FrozenLinear(linear())
    x = torch.randn(6, 24)
    torch.set_rng_state(random)
    frozen(x)
    assert torch.equal(torch.get_rng_state(), random), "the check draws from a stream of its own"
    before = len(asked)
    frozen(x)
    assert asked[before:] == [(6, 24)]
