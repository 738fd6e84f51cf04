"""ATTEMPT (Asai et al., 2022, https://arxiv.org/abs/2205.11961): each row mixes frozen source prompts into a prefix.

A row's word embeddings, pooled by their maximum, become a query h = LayerNorm(W_up SiLU(W_down x)); a prompt's key is
the maximum over its virtual tokens; the shares a = softmax(key . h / T) are over the sources and the target prompt, and
the row's prefix is u_target + sum_j a_j u_j. Virtual tokens are keys and values of every layer here, so what stands for
one is what attention compares with first: its keys in the lowest layer.

Shape letters: S members, B rows of a member, R rows of a block (member-major), n sources, m = n + 1 with the target,
L layers, K = 2 (keys, values), N key/value heads, P prompt length, H head size, G = N * H, W width of word embeddings,
M width of the bottleneck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from panda_ray.backbones.backbone import Backbone, Features
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.training.config import TrainConfig
from panda_ray.training.trainables.leaves import NamedLeaves, host_copy
from panda_ray.training.trainables.row_queries import queries
from panda_ray.training.trainables.trainable import Pass

_LEAVES = ("target", "down", "up", "norm.weight", "norm.bias")


class AttendedPrompts(NamedLeaves):
    """Members may have different numbers of sources.

    Args:
        parts: with frozen `sources` (n, L, K, N, P, H); trained `target` (L, K, N, P, H), `down` (M, W), `up` (G, M),
            `norm.weight` and `norm.bias` (G,); and `temperature`, T.
    """

    def __init__(self, parts: Sequence[Mapping[str, Tensor]], config: TrainConfig, backbone: Backbone) -> None:
        self._counts = [len(part["sources"]) for part in parts]
        most = max(self._counts)
        padded = [F.pad(part["sources"].float(), (0, 0) * 5 + (0, most - len(part["sources"]))) for part in parts]
        self._sources_SnLKNPH = torch.stack(padded).to(backbone.device)
        self._temperature_S = torch.stack([part["temperature"].float() for part in parts]).to(backbone.device)
        super().__init__(parts, _LEAVES, backbone.device)
        self._position_offset = config.position_offset

    def keep(self, members: Sequence[int]) -> None:
        super().keep(members)
        self._counts = [self._counts[member] for member in members]
        self._sources_SnLKNPH = self._sources_SnLKNPH[[*members]]
        self._temperature_S = self._temperature_S[[*members]]

    def features(self, run: Pass, blocks: Sequence[Tokens]) -> list[Features]:
        return [self._of_block(run, block) for block in blocks]

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        return {
            **self.copies(member),
            "sources": host_copy(self._sources_SnLKNPH, member)[: self._counts[member]],
            "temperature": host_copy(self._temperature_S, member),
            "position_offset": torch.tensor(self._position_offset),
        }

    def _of_block(self, run: Pass, block: Tokens) -> Features:
        prompt_SmLKNPH = torch.cat([self._sources_SnLKNPH, self._leaves["target"].unsqueeze(1)], dim=1)
        query_SBG = queries(run.backbone, block, *(self._leaves[name] for name in _LEAVES[1:]))
        share_SBm = self._shares(query_SBG, prompt_SmLKNPH)
        mixed_SBLKNPH = torch.einsum("sbm,sm...->sb...", share_SBm, prompt_SmLKNPH)
        prefix_RLKNPH = (self._leaves["target"].unsqueeze(1) + mixed_SBLKNPH).flatten(0, 1)
        [features] = run.backbone.forward(
            [block],
            prefix_RLKNPH,
            position_offset=self._position_offset,
            dropout=run.dropout,
            pooled_only=run.pooled_only,
        )
        return features

    def _shares(self, query_SBG: Tensor, prompt_SmLKNPH: Tensor) -> Tensor:
        """What each prompt gets of each row, (S, B, m)."""
        key_SmG = prompt_SmLKNPH[:, :, 0, 0].amax(dim=3).flatten(2)
        score_SBm = torch.einsum("sbg,smg->sbm", query_SBG, key_SmG) / self._temperature_S[:, None, None]
        most = prompt_SmLKNPH.shape[1] - 1
        absent = [[count <= place < most for place in range(most + 1)] for count in self._counts]
        absent_S1m = torch.tensor(absent, device=score_SBm.device).unsqueeze(1)
        return score_SBm.masked_fill(absent_S1m, -torch.inf).softmax(dim=-1)
