"""OPT: a decoder with learnt positions, whose 350m model normalises after its sub-layers and has narrower embeddings.

Shape letters: X tokens of all blocks, Y rows of all blocks, Z of both what is asked for, D hidden size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from panda_ray.backbones.encoder import Architecture, Config
from panda_ray.backbones.sizes import Geometry, Sizes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from panda_ray.backbones.forward.forward_pass import ForwardPass


class OptEncoder:
    """Args:
    model: `OPTModel`.
    """

    def __init__(self, model: Any) -> None:
        self._decoder = model.decoder

    def embed(self, input_ids_1X: Tensor, token_type_ids_1X: Tensor, run: ForwardPass) -> Tensor:
        decoder = self._decoder
        words_1XD = run.words(decoder.embed_tokens(input_ids_1X))
        if decoder.project_in is not None:
            words_1XD = decoder.project_in(words_1XD)
        embedded_1XD: Tensor = words_1XD + decoder.embed_positions(None, position_ids=run.positions_1X)
        return embedded_1XD

    def module(self, index: int) -> nn.Module:
        module: nn.Module = self._decoder.layers[index]
        return module

    def layer(self, index: int, hidden_1XD: Tensor, run: ForwardPass, pooled_only: bool) -> Tensor:
        layer = self._decoder.layers[index]
        before, own = layer.do_layer_norm_before, layer.self_attn
        normed_1XD = layer.self_attn_layer_norm(hidden_1XD) if before else hidden_1XD
        heads = (-1, own.head_dim)
        mixed_1ZD = run.attend(
            index,
            own.q_proj(run.pooled(normed_1XD) if pooled_only else normed_1XD).unflatten(-1, heads),
            own.k_proj(normed_1XD).unflatten(-1, heads),
            own.v_proj(normed_1XD).unflatten(-1, heads),
            scaling=own.scaling,
            pooled_only=pooled_only,
        )
        read_1ZD = run.pooled(hidden_1XD) if pooled_only else hidden_1XD
        attended_1ZD = read_1ZD + run.adapted(index, "attention", pooled_only)(run.drop(own.out_proj(mixed_1ZD)))
        if not before:
            attended_1ZD = layer.self_attn_layer_norm(attended_1ZD)
        inner_1ZD = layer.final_layer_norm(attended_1ZD) if before else attended_1ZD
        fed_1ZD = run.drop(layer.fc2(layer.activation_fn(layer.fc1(inner_1ZD))))
        output_1ZD: Tensor = attended_1ZD + run.adapted(index, "feed_forward", pooled_only)(fed_1ZD)
        return output_1ZD if before else layer.final_layer_norm(output_1ZD)

    def finish(self, hidden_1ZD: Tensor) -> Tensor:
        for module in (self._decoder.final_layer_norm, self._decoder.project_out):
            if module is not None:
                hidden_1ZD = module(hidden_1ZD)
        return hidden_1ZD

    def pool(self, hidden_YD: Tensor) -> Tensor:
        return hidden_YD

    def activations(self, index: int) -> nn.Module:
        module: nn.Module = self._decoder.layers[index].activation_fn
        return module


def _geometry(config: Config) -> Geometry:
    heads, hidden = config["num_attention_heads"], config["hidden_size"]
    return Geometry(
        layers=config["num_hidden_layers"],
        query_heads=heads,
        kv_heads=heads,
        head_size=hidden // heads,
        hidden=config.get("word_embed_proj_dim") or hidden,  # after the projection back to the width of embeddings
        max_positions=config["max_position_embeddings"],
    )


def _sizes(config: Config) -> Sizes:
    return Sizes(
        config["num_hidden_layers"], config["hidden_size"], config["ffn_dim"], config["max_position_embeddings"]
    )


OPT = Architecture("opt", OptEncoder, causal=True, pooled="last", geometry=_geometry, sizes=_sizes)
