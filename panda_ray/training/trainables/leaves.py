"""Trained tensors of all members as one, (S, ...): how it is made of theirs, shrinks, and is copied from.

Shape letters: S members.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def leaf_of(per_member: Sequence[Tensor], device: torch.device) -> Tensor:
    """A float32 copy that takes gradients."""
    stacked = torch.stack([tensor.detach().to(torch.float32) for tensor in per_member])
    return stacked.to(device).requires_grad_(True)


def kept(leaf: Tensor, members: Sequence[int]) -> Tensor:
    """These members alone, in this order, as a new tensor that takes gradients if the old one did."""
    return leaf.detach()[[*members]].requires_grad_(leaf.requires_grad)


def host_copy(leaf: Tensor, member: int) -> Tensor:
    """One member's entries as they are now."""
    return leaf[member].detach().cpu().clone()
