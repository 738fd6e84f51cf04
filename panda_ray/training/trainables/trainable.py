"""The seam between the engine and what it trains.

The engine knows members, rows, heads, losses and steps. What is trained, how it changes what the frozen backbone says
of a row, and what is kept of it, is a trainable's own. Heads are no part of it: every trainable has the same ones.

Shape letters: S members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from panda_ray.backbones.backbone import Backbone, Features
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.training.config import TrainConfig


@dataclass(frozen=True)
class Pass:
    """How rows pass through the frozen backbone.

    Attributes:
        pooled_only: heads read pooled vectors alone.
        dropout: share of entries zeroed; 0 but for training.
    """

    backbone: Backbone
    pooled_only: bool
    dropout: float = 0.0


class Trainable(Protocol):
    """What the members of one stack train, side by side; no member's part has to do with another's."""

    @property
    def leaves(self) -> Mapping[str, Tensor]:
        """Everything that is trained: float32 and (S, ...) each. The names `head.weight` and `head.bias` are taken."""
        ...

    def keep(self, members: Sequence[int]) -> None:
        """Go on with these members alone, in this order, in new leaves; what the others had is freed."""
        ...

    def features(self, run: Pass, blocks: Sequence[Tokens]) -> list[Features]:
        """What heads read of each block; of its R rows, row r belongs to member r // (R / S)."""
        ...

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        """A copy on the host of all that the member's features depend on, frozen tensors included."""
        ...


class Stacking(Protocol):
    """Makes a trainable of its members' parts: usually the trainable's class."""

    def __call__(self, parts: Sequence[Mapping[str, Tensor]], config: TrainConfig, backbone: Backbone) -> Trainable: ...


@dataclass(frozen=True)
class Part:
    """One member's part of a trainable, alone: as it starts, or as it was kept.

    Attributes:
        stacking: what it becomes a part of.
        tensors: by the names of the trainable's artifacts; of a teacher with a head of its own, the head too.
    """

    stacking: Stacking
    tensors: Mapping[str, Tensor]


def stacked(parts: Sequence[Part], config: TrainConfig, backbone: Backbone) -> Trainable:
    """The parts as one trainable, on the backbone's device; nothing writes into them."""
    stacking = parts[0].stacking
    assert all(part.stacking is stacking for part in parts), "a stack trains one thing"
    return stacking([part.tensors for part in parts], config, backbone)
