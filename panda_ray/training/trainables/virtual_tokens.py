"""Prompt tuning (Lester et al., 2021): trained vectors in front of every row's tokens, in the input alone.

Shape letters: S members, P prompt length, D hidden size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from panda_ray.backbones.backbone import Backbone, Features
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.backbones.forward.leading_vectors import LeadingVectors
from panda_ray.training.config import TrainConfig
from panda_ray.training.trainables.leaves import host_copy, kept, leaf_of
from panda_ray.training.trainables.trainable import Part, Pass


class VirtualTokens:
    """So many vectors per member; they take positions, and heads read the row's own tokens.

    Args:
        parts: with `virtual_tokens` (P, D) each, and `embedded_twice`, in which all agree.
    """

    def __init__(self, parts: Sequence[Mapping[str, Tensor]], config: TrainConfig, backbone: Backbone) -> None:
        self._virtual_SPD = leaf_of([part["virtual_tokens"] for part in parts], backbone.device)
        self._embedded_twice = bool(parts[0]["embedded_twice"])

    @property
    def leaves(self) -> Mapping[str, Tensor]:
        return {"virtual_tokens": self._virtual_SPD}

    def keep(self, members: Sequence[int]) -> None:
        self._virtual_SPD = kept(self._virtual_SPD, members)

    def features(self, run: Pass, blocks: Sequence[Tokens]) -> list[Features]:
        return run.backbone.forward(
            blocks,
            None,
            position_offset=True,
            dropout=run.dropout,
            pooled_only=run.pooled_only,
            leading=LeadingVectors(self._virtual_SPD, self._embedded_twice),
        )

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        return {
            "virtual_tokens": host_copy(self._virtual_SPD, member),
            "embedded_twice": torch.tensor(self._embedded_twice),
        }


def virtual_tokens_part(virtual_PD: Tensor, embedded_twice: bool = False) -> Part:
    """Virtual tokens as they start."""
    return Part(VirtualTokens, {"virtual_tokens": virtual_PD, "embedded_twice": torch.tensor(embedded_twice)})
