"""LLaMA: a decoder with rotary positions, RMS norms, a gated feed-forward part and, in later models, grouped heads.

Shape letters: X tokens of all blocks, Y rows of all blocks, Z of both what is asked for, G query heads, N key/value
heads, H head size, D hidden size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from panda_ray.backbones.encoder import Architecture, Config
from panda_ray.backbones.sizes import Geometry, Sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from panda_ray.backbones.forward.forward_pass import ForwardPass


class LlamaEncoder:
    """Args:
    model: `LlamaModel`.
    """

    def __init__(self, model: Any) -> None:
        from transformers.models.llama.modeling_llama import rotate_half  # needs torch

        self._model = model
        self._rotate_half: Callable[[Tensor], Tensor] = rotate_half

    def embed(self, input_ids_1X: Tensor, token_type_ids_1X: Tensor, run: ForwardPass) -> Tensor:
        run.once(self._angles)
        return run.words(self._model.embed_tokens(input_ids_1X))

    def module(self, index: int) -> nn.Module:
        module: nn.Module = self._model.layers[index]
        return module

    def layer(self, index: int, hidden_1XD: Tensor, run: ForwardPass, pooled_only: bool) -> Tensor:
        layer = self._model.layers[index]
        own = layer.self_attn
        normed_1XD = layer.input_layernorm(hidden_1XD)
        angles_1XH = run.once(self._angles)
        if pooled_only:
            queried_1ZD, (cos_1ZH, sin_1ZH) = run.pooled(normed_1XD), map(run.pooled, angles_1XH)
        else:
            queried_1ZD, (cos_1ZH, sin_1ZH) = normed_1XD, angles_1XH
        mixed_1ZD = run.attend(
            index,
            self._rotated(self._queries(own, queried_1ZD), cos_1ZH, sin_1ZH),
            self._rotated(self._keys(own, normed_1XD), *angles_1XH),
            own.v_proj(normed_1XD).unflatten(-1, (-1, own.head_dim)),
            scaling=own.scaling,
            pooled_only=pooled_only,
        )
        projected_1ZD = run.adapted(index, "attention", pooled_only)(own.o_proj(mixed_1ZD))
        attended_1ZD = (run.pooled(hidden_1XD) if pooled_only else hidden_1XD) + projected_1ZD
        fed_1ZD: Tensor = layer.mlp(layer.post_attention_layernorm(attended_1ZD))
        return attended_1ZD + run.adapted(index, "feed_forward", pooled_only)(fed_1ZD)

    def finish(self, hidden_1ZD: Tensor) -> Tensor:
        normed_1ZD: Tensor = self._model.norm(hidden_1ZD)
        return normed_1ZD

    def pool(self, hidden_YD: Tensor) -> Tensor:
        return hidden_YD

    def activations(self, index: int) -> nn.Module:
        module: nn.Module = self._model.layers[index].mlp.act_fn
        return module

    def _queries(self, own: Any, queried_1ZD: Tensor) -> Tensor:
        """Of an attention module, before they are rotated, (1, Z, G, H)."""
        query_1ZGH: Tensor = own.q_proj(queried_1ZD).unflatten(-1, (-1, own.head_dim))
        return query_1ZGH

    def _keys(self, own: Any, normed_1XD: Tensor) -> Tensor:
        """Of an attention module, before they are rotated, (1, X, N, H)."""
        key_1XNH: Tensor = own.k_proj(normed_1XD).unflatten(-1, (-1, own.head_dim))
        return key_1XNH

    def _rotated(self, x_1ZGH: Tensor, cos_1ZH: Tensor, sin_1ZH: Tensor) -> Tensor:
        rotated_1ZGH: Tensor = x_1ZGH * cos_1ZH.unsqueeze(2) + self._rotate_half(x_1ZGH) * sin_1ZH.unsqueeze(2)
        return rotated_1ZGH

    def _angles(self, run: ForwardPass) -> tuple[Tensor, Tensor]:
        """Cosine and sine of every token's rotation, each (1, X, H)."""
        cos_1XH, sin_1XH = self._model.rotary_emb(self._model.norm.weight, run.positions_1X)
        return cos_1XH, sin_1XH


def geometry_of(config: Config) -> Geometry:
    """Of a configuration that has LLaMA's names."""
    heads, hidden = config["num_attention_heads"], config["hidden_size"]
    return Geometry(
        layers=config["num_hidden_layers"],
        query_heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_size=config.get("head_dim") or hidden // heads,
        hidden=hidden,
        max_positions=config["max_position_embeddings"],
    )


def sizes_of(config: Config) -> Sizes:
    """Of a configuration that has LLaMA's names."""
    geometry = geometry_of(config)
    return Sizes(
        geometry.layers,
        geometry.hidden,
        config["intermediate_size"],
        geometry.max_positions,
        query_hidden=geometry.query_heads * geometry.head_size,
        kv_hidden=geometry.kv_heads * geometry.head_size,
        gated=True,
    )


LLAMA = Architecture("llama", LlamaEncoder, causal=True, pooled="last", geometry=geometry_of, sizes=sizes_of)
