"""BERT, and RoBERTa, which counts positions from its padding index plus one and has no trained pooler.

Shape letters: X tokens of all blocks, Y rows of all blocks, Z of both what is asked for, D hidden size,
F width of what is projected to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from panda_ray.backbones.encoder import Architecture, Config
from panda_ray.backbones.sizes import Geometry, Sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from panda_ray.backbones.forward.forward_pass import ForwardPass

_PADDING = 1
"""RoBERTa's padding index where a configuration leaves it out."""


def added(output: Any, mixed_1ZF: Tensor, read_1ZD: Tensor, adapted: Callable[[Tensor], Tensor]) -> Tensor:
    """The end of a part of a layer: projected, adapted, added to what the part read, and normalised."""
    normed_1ZD: Tensor = output.LayerNorm(adapted(output.dropout(output.dense(mixed_1ZF))) + read_1ZD)
    return normed_1ZD


class BertEncoder:
    """Post-norm layers, and a trained pooler of the first token.

    Args:
        model: `BertModel`.
    """

    _first_position = 0

    def __init__(self, model: Any) -> None:
        self._model = model
        self._layers = model.encoder.layer

    def embed(self, input_ids_1X: Tensor, token_type_ids_1X: Tensor, run: ForwardPass) -> Tensor:
        embedded_1XD: Tensor = self._model.embeddings(
            inputs_embeds=run.words(self._model.embeddings.word_embeddings(input_ids_1X)),
            token_type_ids=token_type_ids_1X,
            position_ids=run.positions_1X + self._first_position,
        )
        return embedded_1XD

    def module(self, index: int) -> nn.Module:
        module: nn.Module = self._layers[index]
        return module

    def layer(self, index: int, hidden_1XD: Tensor, run: ForwardPass, pooled_only: bool) -> Tensor:
        layer = self._layers[index]
        own = layer.attention.self
        read_1ZD = run.pooled(hidden_1XD) if pooled_only else hidden_1XD
        heads = (-1, own.attention_head_size)
        mixed_1ZD = run.attend(
            index,
            own.query(read_1ZD).unflatten(-1, heads),
            own.key(hidden_1XD).unflatten(-1, heads),
            own.value(hidden_1XD).unflatten(-1, heads),
            scaling=own.scaling,
            pooled_only=pooled_only,
        )
        attended_1ZD = added(layer.attention.output, mixed_1ZD, read_1ZD, run.adapted(index, "attention", pooled_only))
        inner_1ZF = layer.intermediate(attended_1ZD)
        return added(layer.output, inner_1ZF, attended_1ZD, run.adapted(index, "feed_forward", pooled_only))

    def finish(self, hidden_1ZD: Tensor) -> Tensor:
        return hidden_1ZD

    def pool(self, hidden_YD: Tensor) -> Tensor:
        pooled_YD: Tensor = self._model.pooler(hidden_YD.unsqueeze(1))
        return pooled_YD

    def activations(self, index: int) -> nn.Module:
        module: nn.Module = self._layers[index].intermediate
        return module


class RobertaEncoder(BertEncoder):
    """Args:
    model: `RobertaModel`.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._first_position = model.config.pad_token_id + 1

    def pool(self, hidden_YD: Tensor) -> Tensor:
        return hidden_YD


def _geometry(config: Config, first_position: int = 0) -> Geometry:
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    positions = config["max_position_embeddings"] - first_position
    return Geometry(config["num_hidden_layers"], heads, heads, hidden // heads, hidden, positions)


def _sizes(config: Config, first_position: int = 0) -> Sizes:
    positions = config["max_position_embeddings"] - first_position
    return Sizes(config["num_hidden_layers"], config["hidden_size"], config["intermediate_size"], positions)


def _roberta_first(config: Config) -> int:
    return int(config.get("pad_token_id", _PADDING)) + 1


BERT = Architecture(
    "bert", BertEncoder, causal=False, pooled="first", geometry=_geometry, sizes=_sizes, pooler="pooler"
)
ROBERTA = Architecture(
    "roberta",
    RobertaEncoder,
    causal=False,
    pooled="first",
    geometry=lambda config: _geometry(config, _roberta_first(config)),
    sizes=lambda config: _sizes(config, _roberta_first(config)),
    unread=("pooler",),
)
