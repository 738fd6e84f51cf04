"""The one seam between transformers and panda_ray: attention that sees a prefix of trained keys and values.

The function is registered with transformers as an attention implementation. The backbone hands the stack's prefixes
and the layout of the rows down as keyword arguments; no module is patched, no cache is mutated, and gradients reach the
prefixes only.

Shape letters: S members, R rows of a block (R = S * rows per member, member-major), L layers, K = 2 (keys, values),
N heads, P prompt length, T tokens, X tokens of all blocks, Q queries of a row, V = P + T keys of a row, H head size.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from panda_ray.backbones.blocks import Layout
from panda_ray.backbones.dropout import dropout as drop

IMPLEMENTATION = "panda_prefix"
"""The name under which transformers knows this attention."""


class PrefixStack:
    """The prefixes of a stack's members for one forward pass.

    Args:
        prefix_SLKNPH: one prefix per member.
    """

    def __init__(self, prefix_SLKNPH: Tensor) -> None:
        self._layers = prefix_SLKNPH.unbind(dim=1)

    def layer(self, layer: int, rows: int, dtype: torch.dtype, dropout: float) -> tuple[Tensor, Tensor]:
        """Keys and values of one layer for every row, each (R, N, P, H).

        Args:
            dropout: share of entries zeroed, drawn anew for every row (as P-Tuning v2 does).
        """
        prefix_SKNPH = self._layers[layer].to(dtype)
        members, _, *shape = prefix_SKNPH.shape
        prefix_KSBNPH = prefix_SKNPH.transpose(0, 1).unsqueeze(2).expand(2, members, rows // members, *shape)
        key_RNPH, value_RNPH = drop(prefix_KSBNPH, dropout).reshape(2, rows, *shape).unbind()
        return key_RNPH, value_RNPH


def attend_to_rows(
    query_RNQH: Tensor,
    key_RNTH: Tensor,
    value_RNTH: Tensor,
    visible_R11V: Tensor | None,
    *,
    layer: int,
    scaling: float,
    dropout: float,
    prefix: PrefixStack | None,
) -> Tensor:
    """Attention of each row's queries over [prefix, tokens of the row], (R, N, Q, H).

    Args:
        dropout: share of prefix entries and of attention probabilities zeroed.
    """
    if prefix is not None:
        key_RNPH, value_RNPH = prefix.layer(layer, key_RNTH.shape[0], key_RNTH.dtype, dropout)
        key_RNTH = torch.cat((key_RNPH, key_RNTH), dim=2)
        value_RNTH = torch.cat((value_RNPH, value_RNTH), dim=2)
    if dropout == 0 or query_RNQH.is_cuda:
        return F.scaled_dot_product_attention(
            query_RNQH, key_RNTH, value_RNTH, attn_mask=visible_R11V, dropout_p=dropout, scale=scaling
        )
    # What PyTorch computes on a CPU when there is dropout, but with masks that are cheap to draw.
    score_RNQV = (query_RNQH * scaling) @ key_RNTH.transpose(2, 3)
    if visible_R11V is not None:
        score_RNQV = score_RNQV.masked_fill(~visible_R11V, float("-inf"))
    return drop(score_RNQV.softmax(dim=-1), dropout) @ value_RNTH


def _attend(
    module: nn.Module,
    query_1NXH: Tensor,
    key_1NXH: Tensor,
    value_1NXH: Tensor,
    _mask: None,
    scaling: float,
    layout: Layout,
    prefix: PrefixStack | None,
    pass_dropout: float,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention within the rows of every block; gives (1, X, N, H), as transformers expects it.

    Args:
        pass_dropout: of this forward pass; transformers' own `dropout` follows the module's mode and is 0.
    """
    mixed_XNH = [
        attend_to_rows(
            query_RNTH,
            key_RNTH,
            value_RNTH,
            block.visible_R11V,
            layer=int(module.layer_idx),  # type: ignore[arg-type]
            scaling=scaling,
            dropout=pass_dropout,
            prefix=prefix,
        )
        .transpose(1, 2)
        .flatten(0, 1)
        for block, query_RNTH, key_RNTH, value_RNTH in zip(
            layout.blocks, *(layout.split_heads(x_1NXH) for x_1NXH in (query_1NXH, key_1NXH, value_1NXH)), strict=True
        )
    ]
    return layout.joined(mixed_XNH), None


def register() -> None:
    """Make the implementation known to transformers; asked for when a model is loaded, because the import is slow."""
    from transformers import AttentionInterface

    AttentionInterface.register(IMPLEMENTATION, _attend)
