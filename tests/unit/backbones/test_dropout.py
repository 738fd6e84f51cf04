"""Masks: share of zeros, mean, independence, gradients, streams that a seed decides, and where a pass has them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from panda_ray.backbones.forward.blocks import Layout
from panda_ray.backbones.forward.dropout import Dropout, _mask, dropout, use_pass_dropout
from panda_ray.testing.closeness import assert_close
from panda_ray.testing.random_models import random_prefixes
from support.trained.models import SIZES, random_backbone, random_tokens


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
    assert_close(x.grad, torch.where(dropped == 0, 0.0, 2.0))


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


def test_every_dropout_of_a_model_is_replaced_and_drops_for_a_pass_alone() -> None:
    model = nn.Sequential(nn.Dropout(0.3), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1)))
    of_pass = use_pass_dropout(model)
    assert [type(module) for module in (model[0], model[1][1])] == [Dropout, Dropout]
    assert not [module for module in model.modules() if isinstance(module, nn.Dropout)]
    x = torch.ones(100, 2)
    assert model.train()[0](x) is x, "a module's mode says nothing"
    with of_pass.during_pass(0.5):
        assert (model.eval()[0](x) == 0).any()
    assert model[0](x) is x


@pytest.mark.parametrize("pooled_only", [False, True])
@pytest.mark.parametrize(
    ("model_type", "embeddings", "outputs"),
    [("bert", 1, 2), ("roberta", 1, 2), ("opt", 0, 2), ("opt-350m", 0, 2), ("llama", 0, 0), ("llama-grouped", 0, 0)],
)
def test_a_pass_draws_masks_for_prefixes_and_attention_and_where_an_architecture_drops_embeddings_and_outputs(
    model_type: str, embeddings: int, outputs: int, pooled_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, members, rows, length, prompt_len = random_backbone(model_type), 2, 3, 12, 5
    blocks = [random_tokens([9, 4, length], members)]
    prefix = random_prefixes(backbone, members, prompt_len)
    drawn: list[tuple[int, ...]] = []

    def remembered(like: torch.Tensor, share: float) -> torch.Tensor:
        assert share == 0.3
        drawn.append(tuple(like.shape))
        return _mask(like, share)

    monkeypatch.setattr("panda_ray.backbones.forward.dropout._mask", remembered)
    backbone.forward(blocks, prefix, position_offset=True, dropout=0.3, pooled_only=pooled_only)
    sizes, hidden = backbone.geometry, SIZES["hidden_size"]
    tokens = members * rows * length + Layout(blocks, prompt_len, causal=False, pooled="first").filler

    def layer(queries: int, positions: int) -> list[tuple[int, ...]]:
        return [
            (2, members, rows, sizes.kv_heads, prompt_len, sizes.head_size),
            (members * rows, sizes.query_heads, queries, prompt_len + length),
            *[(1, positions, hidden)] * outputs,
        ]

    last = layer(1, members * rows) if pooled_only else layer(length, tokens)
    assert drawn == [*[(1, tokens, hidden)] * embeddings, *layer(length, tokens), *layer(length, tokens), *last]
    drawn.clear()
    backbone.forward(blocks, prefix, position_offset=True, pooled_only=pooled_only)
    assert not drawn


def test_an_error_inside_of_a_pass_ends_its_dropout() -> None:
    backbone, tokens = random_backbone(), random_tokens([5, 5])
    too_few_layers = random_prefixes(backbone, 1)[:, :1]
    with pytest.raises(IndexError):
        backbone.forward([tokens], too_few_layers, position_offset=True, dropout=0.5)
    x = torch.ones(100)
    layers = [module for module in backbone._model.modules() if isinstance(module, Dropout)]
    assert layers
    assert all(layer(x) is x for layer in layers)


@pytest.mark.parametrize("pooled_only", [False, True])
def test_equal_rows_and_equal_members_are_dropped_differently(pooled_only: bool) -> None:
    """Without dropout they are equal, and without a prefix nothing but the backbone's own masks tells them apart."""
    backbone, members = random_backbone(), 2
    tokens = random_tokens([6], members=2 * members)
    one = random_prefixes(backbone, 1)
    for prefix in (None, one.expand(members, *one.shape[1:])):
        torch.manual_seed(0)
        [calm] = backbone.forward([tokens], prefix, position_offset=True, pooled_only=pooled_only)
        [noisy] = backbone.forward([tokens], prefix, position_offset=True, pooled_only=pooled_only, dropout=0.1)
        for row in range(1, 2 * members):
            assert_close(calm.pooled_RD[row], calm.pooled_RD[0])
            assert not torch.allclose(noisy.pooled_RD[row], noisy.pooled_RD[0], atol=1e-3)
