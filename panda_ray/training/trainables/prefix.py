"""Prefix tuning (Li & Liang, 2021; P-Tuning v2): keys and values before the tokens of every row, in every layer.

Shape letters: S members, L layers, K = 2 (keys, values), N key/value heads, P prompt length, H head size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from panda_ray.backbones.backbone import Backbone, Features
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.prompts.prompt import Prompt
from panda_ray.training.config import TrainConfig
from panda_ray.training.trainables.leaves import host_copy, kept, leaf_of
from panda_ray.training.trainables.trainable import Part, Pass


class Prefixes:
    """One prefix per member; an artifact is what `Prompt` reads.

    Args:
        parts: with a `prefix` (L, K, N, P, H) each.
    """

    def __init__(self, parts: Sequence[Mapping[str, Tensor]], config: TrainConfig, backbone: Backbone) -> None:
        self._prefix_SLKNPH = leaf_of([part["prefix"] for part in parts], backbone.device)
        self._position_offset = config.position_offset

    @property
    def leaves(self) -> Mapping[str, Tensor]:
        return {"prefix": self._prefix_SLKNPH}

    def keep(self, members: Sequence[int]) -> None:
        self._prefix_SLKNPH = kept(self._prefix_SLKNPH, members)

    def features(self, run: Pass, blocks: Sequence[Tokens]) -> list[Features]:
        return run.backbone.forward(
            blocks,
            self._prefix_SLKNPH,
            position_offset=self._position_offset,
            dropout=run.dropout,
            pooled_only=run.pooled_only,
        )

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        return {
            "prefix": host_copy(self._prefix_SLKNPH, member),
            "position_offset": torch.tensor(self._position_offset),
        }


def prefix_part(prefix_LKNPH: Tensor) -> Part:
    """A prefix without a head: a start, or a teacher that speaks through its student's."""
    return Part(Prefixes, {"prefix": prefix_LKNPH})


def prompt_part(prompt: Prompt) -> Part:
    """A prefix and the head that was trained with it: a teacher that speaks for itself."""
    return Part(Prefixes, prompt.tensors())
