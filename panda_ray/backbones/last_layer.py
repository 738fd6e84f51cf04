"""The last layer of an encoder where only the first token of each row is read.

Its keys and values are needed of every token, its queries, output projection and feed-forward part of one token per
row: two of twelve matrix products remain. The numbers are those of the whole layer.

Shape letters: X tokens of all blocks, Y rows of all blocks, R rows of a block, N heads, H head size, D hidden size.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from panda_ray.backbones.blocks import Layout
from panda_ray.backbones.prefix_attention import PrefixStack, attend_to_rows


def bert_first_tokens(
    layer: Any, hidden_1XD: Tensor, layout: Layout, prefix: PrefixStack | None, dropout: float
) -> Tensor:
    """The layer's output at the first token of each row, (1, Y, D), for BERT and models built like it.

    Args:
        layer: the transformers module (`BertLayer`, `RobertaLayer`).
        dropout: share of attention probabilities and prefix entries zeroed.
    """
    own = layer.attention.self
    first_1YD = hidden_1XD[:, layout.first_tokens()]
    query_YNH, key_1NXH, value_1NXH = (
        own.query(first_1YD)[0].unflatten(-1, (-1, own.attention_head_size)),
        own.key(hidden_1XD).unflatten(-1, (-1, own.attention_head_size)).transpose(1, 2),
        own.value(hidden_1XD).unflatten(-1, (-1, own.attention_head_size)).transpose(1, 2),
    )
    query_of_block = query_YNH.unsqueeze(2).split([block.rows for block in layout.blocks])
    mixed_YND = [
        attend_to_rows(
            query_RN1H,
            key_RNTH,
            value_RNTH,
            block.visible_R11V,
            layer=own.layer_idx,
            scaling=own.scaling,
            dropout=dropout,
            prefix=prefix,
        ).flatten(1)
        for block, query_RN1H, key_RNTH, value_RNTH in zip(
            layout.blocks, query_of_block, layout.split_heads(key_1NXH), layout.split_heads(value_1NXH), strict=True
        )
    ]
    attended_1YD = layer.attention.output(torch.cat(mixed_YND).unsqueeze(0), first_1YD)
    output_1YD: Tensor = layer.feed_forward_chunk(attended_1YD)
    return output_1YD
