"""Attention that sees a prefix of trained keys and values: the one seam where prompts enter a frozen model.

Shape letters: S members, R rows of a block (R = S * rows per member, member-major), L layers, K = 2 (keys, values),
N key/value heads, G query heads, P prompt length, T tokens, Q queries of a row, V = P + T keys of a row,
H head size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from panda_ray.backbones.forward.dropout import dropout as drop


class PrefixStack:
    """The prefixes of a stack's members for one forward pass.

    Args:
        prefix_SLKNPH: one prefix per member.
    """

    def __init__(self, prefix_SLKNPH: Tensor) -> None:
        self._layers = prefix_SLKNPH.unbind(dim=1)

    def layer(self, layer: int, key_RNTH: Tensor, dropout: float) -> tuple[Tensor, Tensor]:
        """Keys and values of one layer for every row, each (R, N, P, H), on the device of its keys and in their type.

        Args:
            dropout: share of entries zeroed, drawn anew for every row (as P-Tuning v2 does).
        """
        prefix_SKNPH = self._layers[layer].to(key_RNTH)
        rows = len(key_RNTH)
        members, _, *shape = prefix_SKNPH.shape
        prefix_KSBNPH = prefix_SKNPH.transpose(0, 1).unsqueeze(2).expand(2, members, rows // members, *shape)
        key_RNPH, value_RNPH = drop(prefix_KSBNPH, dropout).reshape(2, rows, *shape).unbind()
        return key_RNPH, value_RNPH


def attend_to_rows(
    query_RGQH: Tensor,
    key_RNTH: Tensor,
    value_RNTH: Tensor,
    visible: Tensor | None,
    *,
    layer: int,
    scaling: float,
    dropout: float,
    prefix: PrefixStack | None,
    bias_RGQT: Tensor | None = None,
) -> Tensor:
    """Attention of each row's queries over [prefix, tokens of the row], (R, G, Q, H).

    Args:
        visible: True where a query sees a key, broadcast to (R, G, Q, V); None where all do.
        dropout: share of prefix entries and of attention probabilities zeroed.
        bias_RGQT: added to scores of tokens; those of the prefix get none.
    """
    if prefix is not None:
        key_RNPH, value_RNPH = prefix.layer(layer, key_RNTH, dropout)
        key_RNTH = torch.cat((key_RNPH, key_RNTH), dim=2)
        value_RNTH = torch.cat((value_RNPH, value_RNTH), dim=2)
    group = query_RGQH.shape[1] // key_RNTH.shape[1]
    if group > 1:  # query heads that share a key/value head are neighbours
        key_RNTH, value_RNTH = (x_RNVH.repeat_interleave(group, dim=1) for x_RNVH in (key_RNTH, value_RNTH))
    mask = visible if bias_RGQT is None else _with_bias(visible, bias_RGQT, key_RNTH.shape[2])
    if dropout == 0 or query_RGQH.is_cuda:
        return F.scaled_dot_product_attention(
            query_RGQH, key_RNTH, value_RNTH, attn_mask=mask, dropout_p=dropout, scale=scaling
        )
    # What PyTorch computes on a CPU when there is dropout, but with masks that are cheap to draw.
    score_RGQV = (query_RGQH * scaling) @ key_RNTH.transpose(2, 3)
    if mask is not None:
        score_RGQV = score_RGQV + mask if bias_RGQT is not None else score_RGQV.masked_fill(~mask, float("-inf"))
    return drop(score_RGQV.softmax(dim=-1), dropout) @ value_RNTH


def _with_bias(visible: Tensor | None, bias_RGQT: Tensor, keys: int) -> Tensor:
    """What is added to scores, (R, G, Q, V): nothing for a prefix, minus infinity where a key is not seen."""
    bias_RGQV = F.pad(bias_RGQT, (keys - bias_RGQT.shape[3], 0))
    return bias_RGQV if visible is None else bias_RGQV.masked_fill(~visible, float("-inf"))
