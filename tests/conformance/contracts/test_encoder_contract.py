"""What the encoder of every architecture must keep, against transformers itself.

A new architecture is tested by being registered, and by a tiny configuration in `support.models`.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from panda_ray.backbones import Backbone, Tokens
from panda_ray.backbones.architectures import ARCHITECTURES
from support.closeness import assert_close
from support.disentangled import hidden_with_prefix
from support.models import CONFIGS, random_backbone, random_model, random_prefixes, random_tokens

LENGTHS = [9, 4, 12]
every_model = pytest.mark.parametrize("name", CONFIGS)


def test_every_architecture_has_a_tiny_configuration() -> None:
    tested = {config().model_type for config in CONFIGS.values()}
    missing = {architecture.name for architecture in ARCHITECTURES} - tested
    assert not missing, f"give {sorted(missing)} a tiny configuration in support.models.CONFIGS"


def real(tokens: Tokens) -> Tensor:
    """Which tokens are no padding, (R, T)."""
    return torch.arange(tokens.input_ids_RT.shape[1]) < tokens.lengths_R.unsqueeze(1)


def pooled_of(backbone: Backbone, tokens: Tokens, hidden_RTD: Tensor) -> Tensor:
    """The hidden states of pooled tokens, (R, D)."""
    last_R = tokens.lengths_R - 1
    index_R = last_R if backbone.architecture.pooled == "last" else torch.zeros_like(last_R)
    return hidden_RTD[torch.arange(len(index_R)), index_R]


def types_of(backbone: Backbone, tokens: Tokens) -> dict[str, Tensor]:
    """Decoders know no token types."""
    return {} if backbone.architecture.causal else {"token_type_ids": tokens.token_type_ids_RT}


def cache_route(backbone: Backbone, tokens: Tokens, prefix_LKNPH: Tensor) -> Tensor:
    """Hidden states by `past_key_values`, the route of P-Tuning v2: an independent path through transformers.

    DeBERTa-v2 has no such route there, so its attention is written by hand.
    """
    model = random_model(backbone.name)
    if model.config.model_type == "deberta-v2":
        place_R1T = (torch.arange(tokens.input_ids_RT.shape[1]) + prefix_LKNPH.shape[3]).unsqueeze(0)
        inputs = {"input_ids": tokens.input_ids_RT, "position_ids": place_R1T, "attention_mask": real(tokens).long()}
        return hidden_with_prefix(model, prefix_LKNPH, **inputs)
    rows, length = tokens.input_ids_RT.shape
    prompt_len = prefix_LKNPH.shape[3]
    cache = DynamicCache(config=model.config)
    for layer, (key, value) in enumerate(prefix_LKNPH):
        cache.update(key.expand(rows, *key.shape), value.expand(rows, *value.shape), layer)
    mask = torch.cat((torch.ones(rows, prompt_len, dtype=torch.bool), real(tokens)), dim=1)
    if not backbone.architecture.causal:
        model.config.is_decoder = True  # only a decoder takes a cache; this mask keeps attention bidirectional
        seen = mask[:, None, None, :]
        mask = torch.zeros(rows, 1, length, prompt_len + length).masked_fill(~seen, float("-inf"))
    first = prompt_len + (2 if model.config.model_type == "roberta" else 0)
    output = model(
        input_ids=tokens.input_ids_RT,
        position_ids=(torch.arange(length) + first).expand(rows, length),
        attention_mask=mask,
        past_key_values=cache,
        use_cache=True,
        **types_of(backbone, tokens),
    )
    hidden: Tensor = output.last_hidden_state
    return hidden


def looked_at(x: Tensor) -> Tensor:
    """One number that depends on every entry; the sum of squares would be constant, because layers end normalised."""
    return (x * torch.randn(x.shape, generator=torch.Generator().manual_seed(3))).sum()


@every_model
def test_geometry_and_sizes_are_those_of_the_model(name: str) -> None:
    backbone, model = random_backbone(name), random_model(name)
    with torch.no_grad():
        output = model(torch.tensor([[5, 6]]), use_cache=True)
    geometry, sizes = backbone.geometry, backbone.architecture.sizes(model.config.to_dict())
    assert geometry.hidden == output.last_hidden_state.shape[-1]
    assert geometry.layers == sizes.layers == model.config.num_hidden_layers
    assert geometry.query_heads == model.config.num_attention_heads
    assert geometry.query_heads % geometry.kv_heads == 0
    assert sizes.hidden == model.config.hidden_size
    assert sizes.positions == geometry.max_positions
    activations: list[Tensor] = []
    with backbone.recorded_activations(activations):
        backbone.forward([random_tokens([4])], random_prefixes(backbone, 1), position_offset=True)
    assert [activation.shape[-1] for activation in activations] == [sizes.feed_forward] * sizes.layers


@every_model
def test_all_positions_give_what_transformers_gives_and_the_next_one_is_refused(name: str) -> None:
    backbone = random_backbone(name)
    positions = backbone.geometry.max_positions
    backbone.check_fits(5, positions - 5, position_offset=True)
    tokens, prefix = random_tokens([positions - 5]), random_prefixes(backbone, 1)
    [features] = backbone.forward([tokens], prefix, position_offset=True)
    assert_close(features.hidden_RTD, cache_route(backbone, tokens, prefix[0]))
    with pytest.raises(ValueError, match=f"need {positions + 1} positions, but backbone '{name}' has {positions}"):
        backbone.check_fits(5, positions - 4, position_offset=True)


@every_model
@pytest.mark.parametrize("empty", [True, False])
def test_no_prefix_is_the_plain_model(name: str, empty: bool) -> None:
    backbone, tokens = random_backbone(name), random_tokens(LENGTHS)
    prefix = random_prefixes(backbone, 1, prompt_len=0) if empty else None
    plain = random_model(name)(
        tokens.input_ids_RT, attention_mask=real(tokens).long(), **types_of(backbone, tokens)
    ).last_hidden_state
    [features] = backbone.forward([tokens], prefix, position_offset=True)
    assert_close(features.hidden_RTD[real(tokens)], plain[real(tokens)])


@every_model
def test_hidden_states_and_gradients_equal_the_cache_route(name: str) -> None:
    backbone, tokens = random_backbone(name), random_tokens(LENGTHS)
    ours = random_prefixes(backbone, 1).requires_grad_(True)
    theirs = ours.detach().clone().requires_grad_(True)
    hidden = backbone.forward([tokens], ours, position_offset=True)[0].hidden_RTD[real(tokens)]
    expected = cache_route(backbone, tokens, theirs[0])[real(tokens)]
    assert_close(hidden, expected)
    looked_at(hidden).backward()
    looked_at(expected).backward()
    assert_close(ours.grad, theirs.grad)
    assert ours.grad is not None
    assert bool((ours.grad.abs().amax(dim=(0, 4, 5)) > 0).all()), "keys and values of every head of every layer"


@every_model
def test_each_row_sees_its_own_members_prefix(name: str) -> None:
    backbone = random_backbone(name)
    prefixes = random_prefixes(backbone, 3)
    [together] = backbone.forward([random_tokens(LENGTHS, members=3)], prefixes, position_offset=True)
    rows = [backbone.forward([random_tokens(LENGTHS)], prefix, position_offset=True)[0] for prefix in prefixes.split(1)]
    for part, alone in zip(together.hidden_RTD.chunk(3), rows, strict=True):
        assert_close(part, alone.hidden_RTD)
    assert not torch.allclose(rows[0].pooled_RD, rows[1].pooled_RD, atol=0.01)


@every_model
def test_padding_does_not_leak(name: str) -> None:
    backbone, short = random_backbone(name), random_tokens([7])
    padded = Tokens(
        torch.nn.functional.pad(short.input_ids_RT, (0, 6), value=33),
        torch.nn.functional.pad(short.token_type_ids_RT, (0, 6)),
        short.lengths_R,
    )
    prefix = random_prefixes(backbone, 1)
    for pooled_only in (False, True):
        [expected] = backbone.forward([short], prefix, position_offset=True, pooled_only=pooled_only)
        [features] = backbone.forward([padded], prefix, position_offset=True, pooled_only=pooled_only)
        assert_close(features.hidden_RTD[:, :7], expected.hidden_RTD)
        assert_close(features.pooled_RD, expected.pooled_RD)


@every_model
def test_blocks_run_together_equal_blocks_run_alone(name: str) -> None:
    backbone = random_backbone(name)
    prefixes = random_prefixes(backbone, 2)
    blocks = [random_tokens(lengths, members=2, seed=seed) for seed, lengths in enumerate([[3], [5, 5], [9, 12]])]
    together = backbone.forward(blocks, prefixes, position_offset=True)
    for tokens, features in zip(blocks, together, strict=True):
        [alone] = backbone.forward([tokens], prefixes, position_offset=True)
        assert_close(features.hidden_RTD[real(tokens)], alone.hidden_RTD[real(tokens)])
        assert_close(features.pooled_RD, alone.pooled_RD)


@every_model
@pytest.mark.parametrize("with_prefix", [True, False])
def test_pooled_tokens_alone_are_those_of_the_whole_last_layer(name: str, with_prefix: bool) -> None:
    backbone = random_backbone(name)
    blocks = [random_tokens(lengths, members=2, seed=seed) for seed, lengths in enumerate([[3], [9, 12]])]
    prefixes = [random_prefixes(backbone, 2).requires_grad_(True) for _ in range(2)] if with_prefix else [None, None]
    for tokens, whole, pooled in zip(
        blocks,
        backbone.forward(blocks, prefixes[0], position_offset=True),
        backbone.forward(blocks, prefixes[1], position_offset=True, pooled_only=True),
        strict=True,
    ):
        assert pooled.hidden_RTD.shape[:2] == (len(tokens.lengths_R), 1)
        assert_close(pooled.hidden_RTD[:, 0], pooled_of(backbone, tokens, whole.hidden_RTD))
        assert_close(pooled.pooled_RD, whole.pooled_RD)
        if with_prefix:
            (looked_at(whole.pooled_RD) + looked_at(pooled.pooled_RD)).backward(retain_graph=True)
    if with_prefix:
        assert_close(prefixes[1].grad, prefixes[0].grad)


@every_model
def test_positions_start_behind_the_prefix_or_at_zero_unless_all_are_relative(name: str) -> None:
    backbone, tokens = random_backbone(name), random_tokens(LENGTHS)
    prefix = random_prefixes(backbone, 1)
    shifted, at_zero = (
        backbone.forward([tokens], prefix, position_offset=offset)[0].pooled_RD for offset in (True, False)
    )
    relative = not getattr(random_model(name).config, "position_biased_input", True)
    assert relative == (name in ("deberta-v2", "deberta-v3"))
    if relative:
        assert_close(shifted, at_zero)
    else:
        assert not torch.allclose(shifted, at_zero, atol=1e-3)


@every_model
@pytest.mark.parametrize("pooled_only", [True, False])
def test_attention_with_dropout_is_attention(name: str, pooled_only: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With masks that drop nothing, the route for dropout on a CPU gives what the route without dropout gives."""
    backbone, tokens = random_backbone(name), random_tokens(LENGTHS, members=2)
    prefix = random_prefixes(backbone, 2)
    [expected] = backbone.forward([tokens], prefix, position_offset=True)
    monkeypatch.setattr("panda_ray.backbones.forward.dropout._mask", lambda x, _: torch.ones_like(x))
    [features] = backbone.forward([tokens], prefix, position_offset=True, dropout=0.5, pooled_only=pooled_only)
    assert_close(features.pooled_RD, expected.pooled_RD)
    if not pooled_only:
        assert_close(features.hidden_RTD[real(tokens)], expected.hidden_RTD[real(tokens)])


@every_model
def test_in_bf16_features_and_gradients_are_near_those_of_float32(name: str) -> None:
    backbone, tokens = random_backbone(name), random_tokens(LENGTHS, members=2)
    found = []
    for enabled in (False, True):
        prefix = random_prefixes(backbone, 2).requires_grad_(True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            [features] = backbone.forward([tokens], prefix, position_offset=True, pooled_only=True)
        looked_at(features.pooled_RD.float()).backward()
        found.append((features.pooled_RD.detach().float(), prefix.grad))
    for exact, rounded in zip(*found, strict=True):
        assert exact is not None
        assert rounded is not None
        assert float((rounded - exact).norm() / exact.norm()) < 0.1


@every_model
def test_weights_stay_frozen_under_dropout(name: str) -> None:
    backbone, tokens = random_backbone(name), random_tokens(LENGTHS)
    before = {key: weight.clone() for key, weight in backbone._model.state_dict().items()}
    prefix = random_prefixes(backbone, 1).requires_grad_(True)
    backbone.forward([tokens], prefix, position_offset=True, dropout=0.5)[0].pooled_RD.sum().backward()
    assert prefix.grad is not None
    assert all(weight.grad is None for weight in backbone._model.parameters())
    assert all(torch.equal(weight, before[key]) for key, weight in backbone._model.state_dict().items())
