"""One forward pass of a stack: where rows lie, their positions and prefixes, and the attention that encoders ask for.

Shape letters: S members, R rows of a block (member-major), X tokens of all blocks, Y rows of all blocks, Z of both what
is asked for, G query heads, N key/value heads, H head size, D hidden size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from panda_ray.backbones.blocks import Layout
from panda_ray.backbones.prefix_attention import PrefixStack, attend_to_rows


@dataclass(frozen=True)
class ForwardPass:
    """What the layers of an encoder share while one pass lasts.

    Attributes:
        prefix: keys and values that every row sees before its tokens; None for the plain model.
        positions_1X: position of each token in its row, from 0, or from P where virtual tokens take positions.
        dropout: share of entries zeroed in the prefixes and inside the backbone; 0 but for training.
    """

    layout: Layout
    prefix: PrefixStack | None
    positions_1X: Tensor
    dropout: float

    def pooled(self, hidden_1XD: Tensor) -> Tensor:
        """The hidden states of pooled tokens alone, (1, Y, D)."""
        return hidden_1XD[:, self.layout.pooled_tokens()]

    def attend(
        self, layer: int, query_1ZGH: Tensor, key_1XNH: Tensor, value_1XNH: Tensor, *, scaling: float, pooled_only: bool
    ) -> Tensor:
        """Attention within the rows of every block, over [prefix, tokens of the row]; (1, Z, G * H).

        Args:
            pooled_only: queries are of pooled tokens (Z = Y), not of all (Z = X).
        """
        split = self.layout.split_pooled if pooled_only else self.layout.split_rows
        mixed_ZGH = [
            attend_to_rows(
                query_RGQH,
                key_RNTH,
                value_RNTH,
                block.pooled_sees_R11V if pooled_only else block.each_sees,
                layer=layer,
                scaling=scaling,
                dropout=self.dropout,
                prefix=self.prefix,
            )
            .transpose(1, 2)
            .flatten(0, 1)
            for block, query_RGQH, key_RNTH, value_RNTH in zip(
                self.layout.blocks,
                split(query_1ZGH[0]),
                self.layout.split_rows(key_1XNH[0]),
                self.layout.split_rows(value_1XNH[0]),
                strict=True,
            )
        ]
        joined_1ZGH = torch.cat(mixed_ZGH).unsqueeze(0) if pooled_only else self.layout.joined(mixed_ZGH)
        return joined_1ZGH.flatten(2)
