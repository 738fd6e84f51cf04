"""The linear heads of a stack, which speak for whatever is trained below them.

Shape letters: S members, C outputs, D hidden size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from panda_ray.prompts.heads import initial_head
from panda_ray.seeding import generator
from panda_ray.training.trainables.leaves import host_copy, kept, leaf_of

_WEIGHT, _BIAS = "head.weight", "head.bias"
"""Names in an artifact."""


class Heads:
    """One head per member, in float32.

    Args:
        heads: tensors by name, of each member.
        has_bias: otherwise biases stay what they are: they are no leaf, so nothing trains or decays them.
        is_trained: likewise of the heads as a whole.
    """

    def __init__(
        self,
        heads: Sequence[Mapping[str, Tensor]],
        device: torch.device,
        has_bias: bool = True,
        is_trained: bool = True,
    ) -> None:
        self.weight_SCD = leaf_of([head[_WEIGHT] for head in heads], device).requires_grad_(is_trained)
        self.bias_SC = leaf_of([head[_BIAS] for head in heads], device).requires_grad_(is_trained and has_bias)

    @classmethod
    def fresh(cls, seeds: Sequence[int], outputs: int, hidden: int, device: torch.device, has_bias: bool) -> Heads:
        """Those that members start with, by their seeds."""
        heads = [initial_head(outputs, hidden, generator(seed, "head")) for seed in seeds]
        return cls([{_WEIGHT: weight_CD, _BIAS: bias_C} for weight_CD, bias_C in heads], device, has_bias)

    @property
    def leaves(self) -> Mapping[str, Tensor]:
        """What is trained of them."""
        leaves = {_WEIGHT: self.weight_SCD, _BIAS: self.bias_SC}
        return {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}

    def keep(self, members: Sequence[int]) -> None:
        """Go on with these members alone, in this order."""
        self.weight_SCD, self.bias_SC = kept(self.weight_SCD, members), kept(self.bias_SC, members)

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        """A copy of one member's head on the host."""
        return {_WEIGHT: host_copy(self.weight_SCD, member), _BIAS: host_copy(self.bias_SC, member)}
