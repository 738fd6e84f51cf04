"""Trainables that the package does not have: they say whether the seam carries more than prefixes.

Shape letters: S members, B rows of a member, R rows of a block (member-major), n source prompts, L layers, K = 2 (keys,
values), N key/value heads, P prompt length, H head size, D hidden size, T tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from panda_ray.backbones.backbone import Backbone, Features
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.training.config import TrainConfig
from panda_ray.training.trainables.leaves import host_copy, kept, leaf_of
from panda_ray.training.trainables.trainable import Pass


class AttendedPrompts:
    """Attention of each row over frozen prompts, which mixes them into a prefix of that row (as in ATTEMPT).

    Args:
        parts: with `sources` (n, L, K, N, P, H), which stay as they are, and trained `keys` (n, D).
    """

    def __init__(self, parts: Sequence[Mapping[str, Tensor]], config: TrainConfig, backbone: Backbone) -> None:
        self._sources_SnLKNPH = torch.stack([part["sources"] for part in parts]).to(backbone.device)
        self._keys_SnD = leaf_of([part["keys"] for part in parts], backbone.device)
        self._position_offset = config.position_offset

    @property
    def leaves(self) -> Mapping[str, Tensor]:
        return {"keys": self._keys_SnD}

    def keep(self, members: Sequence[int]) -> None:
        self._sources_SnLKNPH = self._sources_SnLKNPH[[*members]]
        self._keys_SnD = kept(self._keys_SnD, members)

    def features(self, run: Pass, blocks: Sequence[Tokens]) -> list[Features]:
        return [self._of_block(run, block) for block in blocks]

    def _of_block(self, run: Pass, block: Tokens) -> Features:
        with torch.no_grad():
            [plain] = run.backbone.forward([block], None, position_offset=True, pooled_only=True)
        asked_SBD = plain.pooled_RD.float().unflatten(0, (len(self._keys_SnD), -1))
        share_SBn = torch.einsum("sbd,snd->sbn", asked_SBD, self._keys_SnD).softmax(dim=-1)
        prefix_RLKNPH = torch.einsum("sbn,sn...->sb...", share_SBn, self._sources_SnLKNPH).flatten(0, 1)
        [features] = run.backbone.forward(
            [block],
            prefix_RLKNPH,
            position_offset=self._position_offset,
            dropout=run.dropout,
            pooled_only=run.pooled_only,
        )
        return features

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        return {"sources": host_copy(self._sources_SnLKNPH, member), "keys": host_copy(self._keys_SnD, member)}
