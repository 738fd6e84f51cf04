"""Dropout whose masks are cheap to draw on a CPU.

PyTorch draws one Bernoulli variable per element, which took a fifth of a training step on a CPU (docs/LOG.md). Here
every 64-bit draw decides four elements: 16 bits each, so the share of zeros is right to 1/65536. GPUs draw masks
inside of their kernels, so there PyTorch's own dropout is used.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LEVELS = 1 << 16
_LOWEST = torch.iinfo(torch.int64).min


def dropout(x: Tensor, share: float) -> Tensor:
    """Zero about that share of the elements, independently, and scale the others so that the mean stays.

    Args:
        share: 0 <= share < 1.
    """
    if share == 0:
        return x
    return F.dropout(x, share) if x.is_cuda else x * _mask(x, share)


def _mask(like: Tensor, share: float) -> Tensor:
    """0 or the scale of what stays, in the shape and type of `like`."""
    zeros = round(share * _LEVELS)
    draws = torch.empty(-(-like.numel() // 4), dtype=torch.int64, device=like.device).random_(_LOWEST, None)
    levels = draws.view(torch.int16)[: like.numel()].view(like.shape)
    return levels.ge(zeros - _LEVELS // 2).to(like.dtype).mul_(_LEVELS / (_LEVELS - zeros))


class Dropout(nn.Dropout):
    """`nn.Dropout` with these masks; takes its place in a backbone."""

    def forward(self, input: Tensor) -> Tensor:
        return dropout(input, self.p) if self.training else input


def use_cheap_masks(model: nn.Module) -> None:
    """Put `Dropout` in the place of every `nn.Dropout` of a model."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, Dropout(child.p).train(child.training))
