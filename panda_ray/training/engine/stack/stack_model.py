"""Everything that a stack's members train: their trainable, and the heads that read its features.

Every operation on the leaves is elementwise or a reduction within a member, so members stay as separate as if each had
tensors of its own, and a step costs the same few kernel launches for one member and for sixty-four.

Shape letters: S members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from panda_ray.backbones.backbone import Backbone
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.stack.stack_heads import Heads
from panda_ray.training.member import Member
from panda_ray.training.trainables.trainable import Part, Trainable, stacked


@dataclass(frozen=True)
class StackModel:
    """The trained tensors of a stack, with the members as their first dimension."""

    trainable: Trainable
    heads: Heads

    @classmethod
    def fresh(
        cls,
        members: Sequence[Member],
        config: TrainConfig,
        backbone: Backbone,
        *,
        outputs: int,
        has_bias: bool = True,
    ) -> StackModel:
        """What members start with.

        Args:
            outputs: of a head.
            has_bias: whether the bias of a head is trained.
        """
        starts = [member.start for member in members]
        if members[0].keeps_head:
            heads = Heads([start.tensors for start in starts], backbone.device, is_trained=False)
        else:
            seeds = [member.seed for member in members]
            heads = Heads.fresh(seeds, outputs, backbone.geometry.hidden, backbone.device, has_bias)
        return cls(stacked(starts, config, backbone), heads)

    @classmethod
    def kept(cls, parts: Sequence[Part], config: TrainConfig, backbone: Backbone) -> StackModel:
        """What was trained before, each part with its head."""
        return cls(stacked(parts, config, backbone), Heads([part.tensors for part in parts], backbone.device))

    @property
    def leaves(self) -> dict[str, Tensor]:
        """Everything that is trained, (S, ...) each."""
        return {**self.trainable.leaves, **self.heads.leaves}

    def keep(self, members: Sequence[int]) -> None:
        """Go on with these members alone, in this order; what the others had is freed."""
        self.trainable.keep(members)
        self.heads.keep(members)

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        """A copy of one member's current state on the host: what is published of it."""
        return {**self.trainable.artifact(member), **self.heads.artifact(member)}
