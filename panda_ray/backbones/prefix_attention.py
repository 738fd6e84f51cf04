"""The one seam between transformers and panda_ray: attention that sees a prefix of trained keys and values.

The function is registered with transformers as an attention implementation. The backbone hands the stack's prefixes
down as a keyword argument; no module is patched, no cache is mutated, and gradients reach the prefixes only.

Shape letters: S members, R rows (R = S * rows per member, member-major), L layers, K = 2 (keys, values), N heads,
P prompt length, T tokens, H head size.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IMPLEMENTATION = "panda_prefix"
"""The name under which transformers knows this attention."""


class PrefixStack:
    """The prefixes of a stack's members for one forward pass.

    Args:
        prefix_SLKNPH: one prefix per member.
        dropout: share of prefix entries zeroed, drawn anew for every row (as P-Tuning v2 does); 0 in evaluation.
    """

    def __init__(self, prefix_SLKNPH: Tensor, dropout: float = 0.0) -> None:
        self._prefix_SLKNPH = prefix_SLKNPH
        self._dropout = dropout

    def layer(self, layer: int, rows: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Keys and values of one layer for every row, each (R, N, P, H)."""
        prefix_SKNPH = self._prefix_SLKNPH[:, layer].to(dtype)
        members, _, *shape = prefix_SKNPH.shape
        prefix_KSBNPH = prefix_SKNPH.transpose(0, 1).unsqueeze(2).expand(2, members, rows // members, *shape)
        prefix_KRNPH = prefix_KSBNPH.reshape(2, rows, *shape)
        if self._dropout > 0:
            prefix_KRNPH = F.dropout(prefix_KRNPH, self._dropout)
        return prefix_KRNPH[0], prefix_KRNPH[1]


def _attend(
    module: nn.Module,
    query_RNTH: Tensor,
    key_RNTH: Tensor,
    value_RNTH: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    prefix: PrefixStack | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Scaled dot-product attention over [prefix, tokens]; the mask already covers both."""
    if prefix is not None:
        key_RNPH, value_RNPH = prefix.layer(int(module.layer_idx), key_RNTH.shape[0], key_RNTH.dtype)  # type: ignore[arg-type]
        key_RNTH = torch.cat((key_RNPH, key_RNTH), dim=2)
        value_RNTH = torch.cat((value_RNPH, value_RNTH), dim=2)
    mixed_RNTH = F.scaled_dot_product_attention(
        query_RNTH, key_RNTH, value_RNTH, attn_mask=attention_mask, dropout_p=dropout, scale=scaling
    )
    return mixed_RNTH.transpose(1, 2).contiguous(), None


def register() -> None:
    """Make the implementation known to transformers; asked for when a model is loaded, because the import is slow."""
    from transformers import AttentionInterface

    AttentionInterface.register(IMPLEMENTATION, _attend)
