"""Bottleneck adapters behind attention and feed-forward of every layer, before their residuals are added.

Shape letters: S members, L layers, A = 2 parts of a layer (attention, feed-forward), X tokens of a block, D width of
the layers, M bottleneck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from panda_ray.errors import InputError

LayerPart = Literal["attention", "feed_forward"]
_PARTS: tuple[LayerPart, ...] = ("attention", "feed_forward")


@dataclass(frozen=True)
class SublayerAdapters:
    """The adapters of a stack's members for one pass: x + W_up gelu(W_down x + b_down) + b_up (Houlsby et al.)."""

    down_SLADM: Tensor
    down_SLAM: Tensor
    up_SLAMD: Tensor
    up_SLAD: Tensor

    def apply(self, layer: int, part: LayerPart, blocks: Sequence[Tensor]) -> list[Tensor]:
        """What becomes of each block of a layer's part (X, D), whose tokens lie one member after the other.

        Raises:
            InputError: the layers have another width.
        """
        at = (slice(None), layer, _PARTS.index(part))
        down_SDM, down_S1M = self.down_SLADM[at], self.down_SLAM[at].unsqueeze(1)
        up_SMD, up_S1D = self.up_SLAMD[at], self.up_SLAD[at].unsqueeze(1)
        if (width := blocks[0].shape[1]) != down_SDM.shape[1]:
            raise InputError(f"adapters of width {down_SDM.shape[1]} cannot stand in layers of width {width}")
        changed = []
        for x_XD in blocks:
            x_SXD = x_XD.reshape(len(down_SDM), -1, x_XD.shape[1])
            hidden_SXM = F.gelu(torch.baddbmm(down_S1M.to(x_XD), x_SXD, down_SDM.to(x_XD)))
            output_SXD = torch.baddbmm(up_S1D.to(hidden_SXM), hidden_SXM, up_SMD.to(hidden_SXM))
            changed.append((x_SXD + output_SXD).flatten(0, 1))
        return changed
