"""DeBERTa-v2 and v3: attention scores have terms for the distance of two tokens; v2's first layer has a convolution.

The score of a query and a key is (q k + q p + k r) / sqrt(3 H), where p and r are the key and the query of an embedding
of their relative position (He et al., 2021, https://arxiv.org/abs/2006.03654, equation 4). Far positions share
embeddings (log buckets). A prefix has no position, so its keys get the content term alone.

transformers pools with a module that no checkpoint of the family holds (`ContextPooler`, a part of its classification
head); heads here read the first token itself, as RoBERTa's do.

Shape letters: X tokens of all blocks, Y rows of all blocks, Z of both what is asked for, R rows of a block, T tokens of
a row, Q queries of it, N heads, H head size, D hidden size, F feed-forward size, W relative positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from panda_ray.backbones.encoder import Architecture, Config
from panda_ray.backbones.encoders.bert import added
from panda_ray.backbones.sizes import Geometry, Sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from panda_ray.backbones.forward.forward_pass import ForwardPass


class DebertaV2Encoder:
    """Args:
    model: `DebertaV2Model`.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._layers = model.encoder.layer

    def embed(self, input_ids_1X: Tensor, token_type_ids_1X: Tensor, run: ForwardPass) -> Tensor:
        if self._model.encoder.relative_attention:
            run.once(self._relative_positions)
        embedded_1XD: Tensor = self._model.embeddings(
            inputs_embeds=run.words(self._model.embeddings.word_embeddings(input_ids_1X)),
            token_type_ids=token_type_ids_1X,
            position_ids=run.positions_1X,
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
        scaling = (own.attention_head_size * (1 + len(own.pos_att_type))) ** -0.5
        mixed_1ZD = run.attend(
            index,
            own.query_proj(read_1ZD).unflatten(-1, heads),
            own.key_proj(hidden_1XD).unflatten(-1, heads),
            own.value_proj(hidden_1XD).unflatten(-1, heads),
            scaling=scaling,
            pooled_only=pooled_only,
            bias=self._position_terms(own, run, scaling, pooled_only) if own.relative_attention else None,
        )
        attended_1ZD = added(layer.attention.output, mixed_1ZD, read_1ZD, run.adapted(index, "attention", pooled_only))
        inner_1ZF = layer.intermediate(attended_1ZD)
        output_1ZD = added(layer.output, inner_1ZF, attended_1ZD, run.adapted(index, "feed_forward", pooled_only))
        if index == 0 and self._model.encoder.conv is not None:
            return self._convolved(hidden_1XD, output_1ZD, run, pooled_only)
        return output_1ZD

    def finish(self, hidden_1ZD: Tensor) -> Tensor:
        return hidden_1ZD

    def pool(self, hidden_YD: Tensor) -> Tensor:
        return hidden_YD

    def activations(self, index: int) -> nn.Module:
        module: nn.Module = self._layers[index].intermediate
        return module

    def _convolved(self, hidden_1XD: Tensor, output_1ZD: Tensor, run: ForwardPass, pooled_only: bool) -> Tensor:
        """The first layer's output, to which a convolution of its input is added."""
        from transformers.activations import ACT2FN  # needs torch

        own = self._model.encoder.conv
        local_1XD = run.along_rows(hidden_1XD, lambda x_RTD: own.conv(x_RTD.transpose(1, 2)).transpose(1, 2))
        local_1ZD = ACT2FN[own.conv_act](own.dropout(run.pooled(local_1XD) if pooled_only else local_1XD))
        normed_1ZD: Tensor = own.LayerNorm(output_1ZD + local_1ZD)
        return normed_1ZD

    def _position_terms(
        self, own: Any, run: ForwardPass, scaling: float, pooled_only: bool
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """What one layer adds to the scores of a block's queries and keys, prefix left out: (R, N, Q, T)."""
        indices, embedded_WD = run.once(self._relative_positions)
        embedded_WD = own.pos_dropout(embedded_WD)
        heads = (-1, own.attention_head_size)
        first = run.layout.leading if pooled_only else 0
        names = ("key_proj", "query_proj") if own.share_att_key else ("pos_key_proj", "pos_query_proj")
        key_NHW, query_NHW = (
            getattr(own, name)(embedded_WD).unflatten(-1, heads).permute(1, 2, 0) if kind in own.pos_att_type else None
            for kind, name in zip(("c2p", "p2c"), names, strict=True)
        )

        def terms(query_RNQH: Tensor, key_RNTH: Tensor) -> Tensor:
            (rows, heads, queries), length = query_RNQH.shape[:3], key_RNTH.shape[2]
            index_QT = indices[length][first : first + queries]
            term_RNQT = query_RNQH.new_zeros(())
            if key_NHW is not None:
                to_positions_RNQW = query_RNQH @ key_NHW
                term_RNQT = to_positions_RNQW.gather(3, index_QT.expand(rows, heads, -1, -1))
            if query_NHW is not None:
                from_positions_RNTW = key_RNTH @ query_NHW
                of_key_RNTQ = from_positions_RNTW.gather(3, index_QT.t().expand(rows, heads, -1, -1))
                term_RNQT = term_RNQT + of_key_RNTQ.transpose(2, 3)
            return term_RNQT * scaling

        return terms

    def _relative_positions(self, run: ForwardPass) -> tuple[dict[int, Tensor], Tensor]:
        """Where in the pass's embeddings of relative positions a query's distance to a key lies, (T, T) by T; and them.

        Only distances that the longest rows of the pass have are embedded.
        """
        import torch
        from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

        encoder = self._model.encoder
        lengths, table_WD = {block.length for block in run.layout.blocks}, encoder.get_rel_embedding()
        longest, span = max(lengths), len(table_WD) // 2
        distance_W = torch.arange(1 - longest, longest)
        if encoder.position_buckets > 0:
            bucketed = make_log_bucket_position(distance_W, encoder.position_buckets, encoder.max_relative_positions)
            distance_W = bucketed.long()
        index_W = (distance_W + span).clamp(0, 2 * span - 1)
        first, last = int(index_W[0]), int(index_W[-1])
        index_W = (index_W - first).to(table_WD.device)
        places = {}
        for length in lengths:
            place_T = torch.arange(length, device=table_WD.device)
            places[length] = index_W[place_T.unsqueeze(1) - place_T + longest - 1]
        return places, table_WD[first : last + 1]


def _geometry(config: Config) -> Geometry:
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    size = config.get("attention_head_size") or hidden // heads
    return Geometry(config["num_hidden_layers"], heads, heads, size, hidden, config["max_position_embeddings"])


def _sizes(config: Config) -> Sizes:
    geometry = _geometry(config)
    width = geometry.query_heads * geometry.head_size
    relative, kinds = config.get("relative_attention", False), config.get("pos_att_type") or ()
    span = config.get("max_relative_positions", -1)
    if config.get("position_buckets", -1) > 0:
        span = config["position_buckets"]
    return Sizes(
        geometry.layers,
        geometry.hidden,
        config["intermediate_size"],
        geometry.max_positions,
        query_hidden=width,
        kv_hidden=width,
        position_terms=sum(kind in kinds for kind in ("c2p", "p2c")) if relative else 0,
        relative_positions=2 * (span if span > 0 else geometry.max_positions) - 1,
        convolution=config.get("conv_kernel_size", 0) / config.get("conv_groups", 1),
    )


DEBERTA_V2 = Architecture(
    "deberta-v2",
    DebertaV2Encoder,
    causal=False,
    pooled="first",
    geometry=_geometry,
    sizes=_sizes,
    takes_cache=False,
)
