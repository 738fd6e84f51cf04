"""Dropout whose share is an argument of the forward pass, and whose masks are cheap to draw on a CPU.

A frozen model is always in evaluation mode: how much is dropped is said once, to the pass, and kept nowhere else.

PyTorch draws one Bernoulli variable per element, which took a fifth of a training step on a CPU (docs/LOG.md). Here
every 64-bit draw decides four elements: 16 bits each, so the share of zeros is right to 1/65536. GPUs draw masks
inside of their kernels, so there PyTorch's own dropout is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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


class PassDropout:
    """What the `Dropout` layers of one model drop: nothing, but while a forward pass lasts that drops a share."""

    def __init__(self) -> None:
        self._share = 0.0

    @contextmanager
    def during_pass(self, share: float) -> Iterator[None]:
        """Drop that share until the context ends, by an error too."""
        before, self._share = self._share, share
        try:
            yield
        finally:
            self._share = before

    def __call__(self, x: Tensor) -> Tensor:
        return dropout(x, self._share)


class Dropout(nn.Module):
    """A layer that drops what the current forward pass says; takes the place of an `nn.Dropout` in a frozen model."""

    def __init__(self, of_pass: PassDropout) -> None:
        super().__init__()
        self._of_pass = of_pass

    def forward(self, input: Tensor) -> Tensor:
        return self._of_pass(input)


def use_pass_dropout(model: nn.Module) -> PassDropout:
    """Put `Dropout` in the place of every `nn.Dropout` of a model; gives what all of them ask."""
    of_pass = PassDropout()
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                setattr(module, name, Dropout(of_pass))
    return of_pass
