"""The one forward pass, against the routes that transformers and PEFT take."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from panda_ray.backbones import Tokens
from support.closeness import assert_close
from support.models import CONFIGS, random_backbone, random_model, random_prefixes, random_tokens

FAMILIES = sorted(CONFIGS)
LENGTHS = [9, 4, 12]


def cache_route(model_type: str, tokens: Tokens, prefix_LKNPH: Tensor) -> Tensor:
    """Hidden states by `past_key_values`, the route of P-Tuning v2: an independent path through transformers."""
    model = random_model(model_type, "eager")
    model.config.is_decoder = True  # only a decoder takes a cache; the mask below keeps attention bidirectional
    rows, length = tokens.input_ids_RT.shape
    prompt_len = prefix_LKNPH.shape[3]
    cache = DynamicCache(config=model.config)
    for layer, (key, value) in enumerate(prefix_LKNPH):
        cache.update(key.expand(rows, *key.shape), value.expand(rows, *value.shape), layer)
    visible = torch.arange(length) < tokens.lengths_R.unsqueeze(1)
    seen = torch.cat((torch.ones(rows, prompt_len, dtype=torch.bool), visible), dim=1)
    mask = torch.zeros(rows, 1, length, prompt_len + length).masked_fill(~seen[:, None, None, :], float("-inf"))
    positions = torch.arange(length) + prompt_len + (2 if model_type == "roberta" else 0)
    output = model(
        input_ids=tokens.input_ids_RT,
        token_type_ids=tokens.token_type_ids_RT,
        position_ids=positions.expand(rows, length),
        attention_mask=mask,
        past_key_values=cache,
        use_cache=True,
    )
    hidden: Tensor = output.last_hidden_state
    return hidden


def visible(tokens: Tokens, hidden: Tensor) -> Tensor:
    """Hidden states of real tokens only."""
    return hidden[torch.arange(hidden.shape[1]) < tokens.lengths_R.unsqueeze(1)]


def looked_at(x: Tensor) -> Tensor:
    """One number that depends on every entry; the sum of squares would be constant, because layers end normalised."""
    return (x * torch.randn(x.shape, generator=torch.Generator().manual_seed(3))).sum()


@pytest.mark.parametrize("model_type", FAMILIES)
def test_hidden_states_and_gradients_equal_the_cache_route(model_type: str) -> None:
    backbone, tokens = random_backbone(model_type), random_tokens(LENGTHS)
    ours = random_prefixes(backbone, 1).requires_grad_(True)
    theirs = ours.detach().clone().requires_grad_(True)
    hidden = visible(tokens, backbone.forward([tokens], ours, position_offset=True)[0].tokens_RTD)
    expected = visible(tokens, cache_route(model_type, tokens, theirs[0]))
    assert_close(hidden, expected)
    looked_at(hidden).backward()
    looked_at(expected).backward()
    assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("model_type", FAMILIES)
@pytest.mark.parametrize("empty", [True, False])
def test_no_prefix_is_the_plain_model(model_type: str, empty: bool) -> None:
    backbone, tokens = random_backbone(model_type), random_tokens(LENGTHS)
    prefix = random_prefixes(backbone, 1, prompt_len=0) if empty else None
    mask = (torch.arange(max(LENGTHS)) < tokens.lengths_R.unsqueeze(1)).long()
    plain = random_model(model_type, "eager")(tokens.input_ids_RT, mask, token_type_ids=tokens.token_type_ids_RT)
    features = backbone.forward([tokens], prefix, position_offset=True)[0]
    assert_close(visible(tokens, features.tokens_RTD), visible(tokens, plain.last_hidden_state))
    if backbone.family.pooling == "pooler":
        assert_close(features.pooled_RD, plain.pooler_output)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_each_row_sees_its_own_members_prefix(model_type: str) -> None:
    backbone = random_backbone(model_type)
    prefixes = random_prefixes(backbone, 3)
    together = backbone.forward([random_tokens(LENGTHS, members=3)], prefixes, position_offset=True)[0]
    for member, rows in enumerate(together.tokens_RTD.chunk(3)):
        alone = backbone.forward([random_tokens(LENGTHS)], prefixes[member : member + 1], position_offset=True)[0]
        assert_close(rows, alone.tokens_RTD)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_padding_does_not_leak(model_type: str) -> None:
    backbone, short = random_backbone(model_type), random_tokens([7])
    padded = Tokens(
        torch.nn.functional.pad(short.input_ids_RT, (0, 6), value=33),
        torch.nn.functional.pad(short.token_type_ids_RT, (0, 6)),
        short.lengths_R,
    )
    prefix = random_prefixes(backbone, 1)
    expected = backbone.forward([short], prefix, position_offset=True)[0]
    features = backbone.forward([padded], prefix, position_offset=True)[0]
    assert_close(features.tokens_RTD[:, :7], expected.tokens_RTD)
    assert_close(features.pooled_RD, expected.pooled_RD)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_blocks_run_together_equal_blocks_run_alone(model_type: str) -> None:
    backbone = random_backbone(model_type)
    prefixes = random_prefixes(backbone, 2)
    blocks = [random_tokens(lengths, members=2, seed=seed) for seed, lengths in enumerate([[3], [5, 5], [9, 12]])]
    together = backbone.forward(blocks, prefixes, position_offset=True)
    for tokens, features in zip(blocks, together, strict=True):
        [alone] = backbone.forward([tokens], prefixes, position_offset=True)
        assert_close(visible(tokens, features.tokens_RTD), visible(tokens, alone.tokens_RTD))
        assert_close(features.pooled_RD, alone.pooled_RD)


def test_rows_of_one_length_need_no_mask() -> None:
    backbone, tokens = random_backbone(), random_tokens([6, 6])
    prefix = random_prefixes(backbone, 1)
    [masked] = backbone.forward([tokens], prefix, position_offset=True)
    [free] = backbone.forward([replace(tokens, padded=False)], prefix, position_offset=True)
    assert_close(free.tokens_RTD, masked.tokens_RTD)


@pytest.mark.parametrize("model_type", FAMILIES)
@pytest.mark.parametrize("with_prefix", [True, False])
def test_the_first_tokens_alone_are_those_of_the_whole_last_layer(model_type: str, with_prefix: bool) -> None:
    backbone = random_backbone(model_type)
    blocks = [random_tokens(lengths, members=2, seed=seed) for seed, lengths in enumerate([[3], [9, 12]])]
    prefixes = [random_prefixes(backbone, 2).requires_grad_(True) for _ in range(2)] if with_prefix else [None, None]
    for tokens, whole, first in zip(
        blocks,
        backbone.forward(blocks, prefixes[0], position_offset=True),
        backbone.forward(blocks, prefixes[1], position_offset=True, first_only=True),
        strict=True,
    ):
        assert first.tokens_RTD.shape[:2] == (len(tokens.lengths_R), 1)
        assert_close(first.tokens_RTD[:, 0], whole.tokens_RTD[:, 0])
        assert_close(first.pooled_RD, whole.pooled_RD)
        if with_prefix:
            (looked_at(whole.pooled_RD) + looked_at(first.pooled_RD)).backward(retain_graph=True)
    if with_prefix:
        assert_close(prefixes[1].grad, prefixes[0].grad)


def test_attention_with_dropout_is_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    """With masks that drop nothing, the route for dropout on a CPU gives what the route without dropout gives."""
    backbone, tokens = random_backbone(), random_tokens(LENGTHS, members=2)
    prefix = random_prefixes(backbone, 2)
    [expected] = backbone.forward([tokens], prefix, position_offset=True)
    monkeypatch.setattr("panda_ray.backbones.prefix_attention.drop", lambda x, share: x)
    monkeypatch.setattr("panda_ray.backbones.dropout.dropout", lambda x, share: x)
    [features] = backbone.forward([tokens], prefix, position_offset=True, dropout=0.5)
    [first] = backbone.forward([tokens], prefix, position_offset=True, dropout=0.5, first_only=True)
    assert_close(visible(tokens, features.tokens_RTD), visible(tokens, expected.tokens_RTD))
    assert_close(first.pooled_RD, expected.pooled_RD)


def test_positions_can_start_at_zero() -> None:
    backbone, tokens = random_backbone(), random_tokens(LENGTHS)
    prefix = random_prefixes(backbone, 1)
    shifted = backbone.forward([tokens], prefix, position_offset=True)[0].pooled_RD
    at_zero = backbone.forward([tokens], prefix, position_offset=False)[0].pooled_RD
    assert not torch.allclose(shifted, at_zero)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_the_pooled_vector_is_the_poolers_where_a_family_has_one_and_else_the_first_hidden_state(
    model_type: str,
) -> None:
    backbone, tokens = random_backbone(model_type), random_tokens(LENGTHS)
    first_RD = backbone.forward([tokens], None, position_offset=True)[0].tokens_RTD[:, 0]
    pooled_RD = backbone.forward([tokens], None, position_offset=True, first_only=True)[0].pooled_RD
    pooler = random_model(model_type, "eager").pooler
    by_pooler, by_position = pooler(first_RD.unsqueeze(1)), first_RD
    assert_close(pooled_RD, {"bert": by_pooler, "roberta": by_position}[model_type])
    assert not torch.allclose(by_pooler, by_position, atol=0.1)


def test_weights_stay_frozen_under_dropout() -> None:
    backbone, tokens = random_backbone(), random_tokens(LENGTHS)
    before = {name: weight.clone() for name, weight in backbone._model.state_dict().items()}
    prefix = random_prefixes(backbone, 1).requires_grad_(True)
    backbone.forward([tokens], prefix, position_offset=True, dropout=0.5)[0].pooled_RD.sum().backward()
    assert prefix.grad is not None
    assert all(weight.grad is None for weight in backbone._model.parameters())
    assert all(torch.equal(weight, before[name]) for name, weight in backbone._model.state_dict().items())
