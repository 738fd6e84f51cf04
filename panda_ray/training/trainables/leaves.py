"""Trained tensors of all members as one, (S, ...): how it is made of theirs, shrinks, and is copied from.

Shape letters: S members.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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


class NamedLeaves:
    """The leaves of a trainable that has several, by name.

    Args:
        parts: what each member starts from.
        names: of what is trained in it.
    """

    def __init__(self, parts: Sequence[Mapping[str, Tensor]], names: Iterable[str], device: torch.device) -> None:
        self._leaves = {name: leaf_of([part[name] for part in parts], device) for name in names}

    @property
    def leaves(self) -> Mapping[str, Tensor]:
        return self._leaves

    def keep(self, members: Sequence[int]) -> None:
        """Go on with these members alone, in this order, in new leaves."""
        self._leaves = {name: kept(leaf, members) for name, leaf in self._leaves.items()}

    def copies(self, member: int) -> dict[str, Tensor]:
        """One member's leaves as they are now."""
        return {name: host_copy(leaf, member) for name, leaf in self._leaves.items()}
