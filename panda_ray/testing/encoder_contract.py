"""What the encoder of every architecture keeps, against transformers itself.

Shape letters: S members, R rows, T tokens, D hidden size; of a prefix L layers, K = 2, N key/value heads, P prompt
length, H head size.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from panda_ray.backbones import Backbone, Tokens
from panda_ray.backbones.architectures import ARCHITECTURES
from panda_ray.backbones.encoder import Architecture
from panda_ray.testing.closeness import assert_close
from panda_ray.testing.random_models import (
    by_cache,
    plain_hidden,
    random_model,
    random_prefixes,
    random_tokens,
    real,
)

LENGTHS = [9, 4, 12]
"""Tokens of rows."""


class EncoderContract:
    """Say in the fixture `config` what is tested: a small configuration of transformers, with weights of some size."""

    @pytest.fixture
    def config(self) -> Any:
        """Of 32 positions or more, with an initialisation ten times as wide as usual: random features tell words apart
        then.
        """
        raise NotImplementedError("override the fixture `config`")

    @pytest.fixture
    def places_matter(self) -> bool:
        """Whether it is felt where a row begins: not with positions that are all relative and that no prefix has."""
        return True

    @pytest.fixture
    def architecture(self, config: Any) -> Architecture:
        return ARCHITECTURES.get(config.model_type)

    @pytest.fixture
    def backbone(self, config: Any, architecture: Architecture) -> Backbone:
        return Backbone(architecture.name, random_model(config), None, architecture)

    def hidden_with_prefix(self, model: Any, tokens: Tokens, prefix_LKNPH: Tensor) -> Tensor:
        """Last hidden states, (R, T, D), of a fresh model of transformers, which an encoder is held against.

        Override it where transformers takes no cache, or counts positions from another one than 0. It may change the
        model, and what it gives for padding is of no account.
        """
        return by_cache(model, tokens, prefix_LKNPH)

    def test_geometry_and_sizes_are_those_of_the_model(self, backbone: Backbone, config: Any) -> None:
        with torch.no_grad():
            output = random_model(config)(torch.tensor([[5, 6]]))
        geometry, sizes = backbone.geometry, backbone.architecture.sizes(config.to_dict())
        assert geometry.hidden == output.last_hidden_state.shape[-1]
        assert geometry.layers == sizes.layers == config.num_hidden_layers
        assert geometry.query_heads == config.num_attention_heads
        assert geometry.query_heads % geometry.kv_heads == 0
        assert sizes.hidden == config.hidden_size
        assert sizes.positions == geometry.max_positions
        activations: list[Tensor] = []
        with backbone.recorded_activations(activations):
            backbone.forward([rows_of(config, [4])], random_prefixes(backbone, 1), position_offset=True)
        assert [activation.shape[-1] for activation in activations] == [sizes.feed_forward] * sizes.layers

    def test_all_positions_give_what_transformers_gives_and_the_next_one_is_refused(
        self, backbone: Backbone, config: Any
    ) -> None:
        positions = backbone.geometry.max_positions
        backbone.check_fits(5, positions - 5, position_offset=True)
        tokens, prefix = rows_of(config, [positions - 5]), random_prefixes(backbone, 1)
        [features] = backbone.forward([tokens], prefix, position_offset=True)
        assert_close(features.hidden_RTD, self.hidden_with_prefix(random_model(config), tokens, prefix[0]))
        too_many = f"need {positions + 1} positions, but backbone '{backbone.name}' has {positions}"
        with pytest.raises(ValueError, match=too_many):
            backbone.check_fits(5, positions - 4, position_offset=True)

    @pytest.mark.parametrize("empty", [True, False])
    def test_no_prefix_is_the_plain_model(self, backbone: Backbone, config: Any, empty: bool) -> None:
        tokens = rows_of(config, LENGTHS)
        prefix = random_prefixes(backbone, 1, prompt_len=0) if empty else None
        plain = plain_hidden(random_model(config), tokens)
        [features] = backbone.forward([tokens], prefix, position_offset=True)
        assert_close(features.hidden_RTD[real(tokens)], plain[real(tokens)])

    def test_hidden_states_and_gradients_are_those_of_transformers(self, backbone: Backbone, config: Any) -> None:
        tokens = rows_of(config, LENGTHS)
        ours = random_prefixes(backbone, 1).requires_grad_(True)
        theirs = ours.detach().clone().requires_grad_(True)
        hidden = backbone.forward([tokens], ours, position_offset=True)[0].hidden_RTD[real(tokens)]
        expected = self.hidden_with_prefix(random_model(config), tokens, theirs[0])[real(tokens)]
        assert_close(hidden, expected)
        torch.autograd.backward([looked_at(hidden), looked_at(expected)])
        assert_close(ours.grad, theirs.grad)
        assert ours.grad is not None
        assert bool((ours.grad.abs().amax(dim=(0, 4, 5)) > 0).all()), "keys and values of every head of every layer"

    def test_each_row_sees_its_own_members_prefix(self, backbone: Backbone, config: Any) -> None:
        prefixes = random_prefixes(backbone, 3)
        [together] = backbone.forward([rows_of(config, LENGTHS, members=3)], prefixes, position_offset=True)
        rows = [
            backbone.forward([rows_of(config, LENGTHS)], prefixes[[member]], position_offset=True)[0]
            for member in range(3)
        ]
        for part, alone in zip(together.hidden_RTD.chunk(3), rows, strict=True):
            assert_close(part, alone.hidden_RTD)
        assert not torch.allclose(rows[0].pooled_RD, rows[1].pooled_RD, atol=0.01)

    def test_padding_does_not_leak(self, backbone: Backbone, config: Any) -> None:
        short = rows_of(config, [7])
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

    def test_blocks_run_together_equal_blocks_run_alone(self, backbone: Backbone, config: Any) -> None:
        prefixes = random_prefixes(backbone, 2)
        blocks = [rows_of(config, lengths, 2, seed) for seed, lengths in enumerate([[3], [5, 5], [9, 12]])]
        together = backbone.forward(blocks, prefixes, position_offset=True)
        for tokens, features in zip(blocks, together, strict=True):
            [alone] = backbone.forward([tokens], prefixes, position_offset=True)
            assert_close(features.hidden_RTD[real(tokens)], alone.hidden_RTD[real(tokens)])
            assert_close(features.pooled_RD, alone.pooled_RD)

    @pytest.mark.parametrize("with_prefix", [True, False])
    def test_pooled_tokens_alone_are_those_of_the_whole_last_layer(
        self, backbone: Backbone, config: Any, with_prefix: bool
    ) -> None:
        blocks = [rows_of(config, lengths, 2, seed) for seed, lengths in enumerate([[3], [9, 12]])]
        prefixes = [random_prefixes(backbone, 2).requires_grad_(True) if with_prefix else None for _ in range(2)]
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
                torch.autograd.backward([looked_at(whole.pooled_RD), looked_at(pooled.pooled_RD)], retain_graph=True)
        if prefixes[0] is not None and prefixes[1] is not None:
            assert_close(prefixes[1].grad, prefixes[0].grad)

    def test_positions_start_behind_the_prefix_or_at_zero_unless_all_are_relative(
        self, backbone: Backbone, config: Any, places_matter: bool
    ) -> None:
        tokens, prefix = rows_of(config, LENGTHS), random_prefixes(backbone, 1)
        shifted, at_zero = (
            backbone.forward([tokens], prefix, position_offset=offset)[0].pooled_RD for offset in (True, False)
        )
        if places_matter:
            assert not torch.allclose(shifted, at_zero, atol=1e-3)
        else:
            assert_close(shifted, at_zero)

    @pytest.mark.parametrize("pooled_only", [True, False])
    def test_attention_with_dropout_is_attention(
        self, backbone: Backbone, config: Any, pooled_only: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With masks that drop nothing, the route for dropout on a CPU gives what the route without dropout gives."""
        tokens, prefix = rows_of(config, LENGTHS, members=2), random_prefixes(backbone, 2)
        [expected] = backbone.forward([tokens], prefix, position_offset=True)
        monkeypatch.setattr("panda_ray.backbones.forward.dropout._mask", lambda x, _: torch.ones_like(x))
        [features] = backbone.forward([tokens], prefix, position_offset=True, dropout=0.5, pooled_only=pooled_only)
        assert_close(features.pooled_RD, expected.pooled_RD)
        if not pooled_only:
            assert_close(features.hidden_RTD[real(tokens)], expected.hidden_RTD[real(tokens)])

    def test_in_bf16_features_and_gradients_are_near_those_of_float32(self, backbone: Backbone, config: Any) -> None:
        tokens = rows_of(config, LENGTHS, members=2)
        found = []
        for enabled in (False, True):
            prefix = random_prefixes(backbone, 2).requires_grad_(True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
                [features] = backbone.forward([tokens], prefix, position_offset=True, pooled_only=True)
            torch.autograd.backward([looked_at(features.pooled_RD.float())])
            found.append((features.pooled_RD.detach().float(), prefix.grad))
        for exact, rounded in zip(*found, strict=True):
            assert exact is not None
            assert rounded is not None
            assert float((rounded - exact).norm() / exact.norm()) < 0.1

    def test_weights_stay_frozen_under_dropout(self, backbone: Backbone, config: Any) -> None:
        before = {key: weight.clone() for key, weight in backbone.weights.items()}
        prefix = random_prefixes(backbone, 1).requires_grad_(True)
        [features] = backbone.forward([rows_of(config, LENGTHS)], prefix, position_offset=True, dropout=0.5)
        torch.autograd.backward([features.pooled_RD.sum()])
        assert prefix.grad is not None
        assert all(weight.grad is None for weight in backbone.weights.values())
        assert all(torch.equal(weight, before[key]) for key, weight in backbone.weights.items())


def rows_of(config: Any, lengths: list[int], members: int = 1, seed: int = 0) -> Tokens:
    return random_tokens(config.vocab_size, lengths, members, seed)


def pooled_of(backbone: Backbone, tokens: Tokens, hidden_RTD: Tensor) -> Tensor:
    """The hidden states of pooled tokens, (R, D)."""
    last_R = tokens.lengths_R - 1
    index_R = last_R if backbone.architecture.pooled == "last" else torch.zeros_like(last_R)
    return hidden_RTD[torch.arange(len(index_R)), index_R]


def looked_at(x: Tensor) -> Tensor:
    """One number that depends on every entry; the sum of squares would be constant, because layers end normalised."""
    return (x * torch.randn(x.shape, generator=torch.Generator().manual_seed(3))).sum()
