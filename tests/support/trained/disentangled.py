"""DeBERTa-v2's attention over a prefix as its paper has it, pair of tokens by pair of tokens; transformers has none.

Every pair has its own embedding of a relative position here, projected by itself: what `encoders/deberta_v2.py` saves
is not saved. The rest of the model is transformers' own.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def hidden_with_prefix(model: Any, prefix_LKNPH: Tensor, **inputs: Tensor) -> Tensor:
    """Last hidden states, (R, T, D), of rows that all see the prefix.

    Args:
        model: `DebertaV2Model`, whose attention is replaced.
        inputs: of its `forward`.
    """
    for layer, prefix_KNPH in zip(model.encoder.layer, prefix_LKNPH, strict=True):
        layer.attention.self.forward = _attention(layer.attention.self, prefix_KNPH)
    hidden_RTD: Tensor = model(**inputs).last_hidden_state
    return hidden_RTD


def _attention(own: Any, prefix_KNPH: Tensor) -> Any:
    def forward(hidden_RTD: Tensor, attention_mask: Tensor, *_: Any, rel_embeddings: Tensor, **__: Any) -> Any:
        def heads(x: Tensor) -> Tensor:
            return x.unflatten(-1, (own.num_attention_heads, own.attention_head_size))

        length = hidden_RTD.shape[1]
        query_RTNH, key_RTNH, value_RTNH = (
            heads(projection(hidden_RTD)) for projection in (own.query_proj, own.key_proj, own.value_proj)
        )
        index_TT = torch.tensor([[_place(own, i - j) for j in range(length)] for i in range(length)])
        pairs_TTD = rel_embeddings[index_TT]
        key_of_pairs, query_of_pairs = (
            (own.key_proj, own.query_proj) if own.share_att_key else (own.pos_key_proj, own.pos_query_proj)
        )
        score_RNTT = torch.einsum("rinh,rjnh->rnij", query_RTNH, key_RTNH)
        score_RNTT = score_RNTT + torch.einsum("rinh,ijnh->rnij", query_RTNH, heads(key_of_pairs(pairs_TTD)))
        score_RNTT = score_RNTT + torch.einsum("rjnh,ijnh->rnij", key_RTNH, heads(query_of_pairs(pairs_TTD)))
        score_RNTT = score_RNTT.masked_fill(~attention_mask.bool(), float("-inf"))
        score_RNTP = torch.einsum("rinh,nph->rnip", query_RTNH, prefix_KNPH[0])
        score_RNTV = torch.cat((score_RNTP, score_RNTT), dim=3) / math.sqrt(3 * own.attention_head_size)
        share_RNTV = score_RNTV.exp() / score_RNTV.exp().sum(dim=3, keepdim=True)
        of_prefix, of_tokens = share_RNTV.split([prefix_KNPH.shape[2], length], dim=3)
        mixed_RTNH = torch.einsum("rnip,nph->rinh", of_prefix, prefix_KNPH[1]) + torch.einsum(
            "rnij,rjnh->rinh", of_tokens, value_RTNH
        )
        return mixed_RTNH.flatten(2), None

    return forward


def _place(own: Any, distance: int) -> int:
    """Which embedding a distance has: its own when near, one shared in logarithmic buckets when far."""
    buckets, span = own.position_buckets, own.pos_ebd_size
    if buckets > 0 and abs(distance) > buckets // 2:
        middle = buckets // 2
        farness = math.log(abs(distance) / middle) / math.log((own.max_relative_positions - 1) / middle)
        distance = int(math.copysign(math.ceil(farness * (middle - 1)) + middle, distance))
    return min(max(distance + span, 0), 2 * span - 1)
