"""A prefix that an MLP makes of trained embeddings (Li & Liang, 2021, Sec. 4.3): what is kept is the plain prefix.

Shape letters: S members, L layers, K = 2 (keys, values), N key/value heads, P prompt length, H head size, D width of
an embedding, M width of the MLP, O = L * K * N * H outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from panda_ray.backbones.backbone import Backbone, Features
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.training.config import TrainConfig
from panda_ray.training.trainables.leaves import NamedLeaves, host_copy
from panda_ray.training.trainables.trainable import Pass

NAMES = ("embedding", "down.weight", "down.bias", "up.weight", "up.bias")


class MlpPrefixes(NamedLeaves):
    """One embedding per virtual token, and one MLP, per member; an artifact is what `Prompt` reads.

    Args:
        parts: with `embedding` (P, D), `down.weight` (M, D), `down.bias` (M,), `up.weight` (O, M), `up.bias` (O,), and
            `prefix_shape`, the numbers L, N and H.
    """

    def __init__(self, parts: Sequence[Mapping[str, Tensor]], config: TrainConfig, backbone: Backbone) -> None:
        super().__init__(parts, NAMES, backbone.device)
        self._layers, self._heads, self._head_size = (int(size) for size in parts[0]["prefix_shape"])
        self._position_offset = config.position_offset

    def features(self, run: Pass, blocks: Sequence[Tokens]) -> list[Features]:
        return run.backbone.forward(
            blocks,
            self._prefixes(),
            position_offset=self._position_offset,
            dropout=run.dropout,
            pooled_only=run.pooled_only,
        )

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        with torch.no_grad():
            prefix_SLKNPH = self._prefixes()
        return {
            "prefix": host_copy(prefix_SLKNPH, member),
            "position_offset": torch.tensor(self._position_offset),
        }

    def _prefixes(self) -> Tensor:
        """The prefixes of all members, (S, L, K, N, P, H)."""
        embedding_SPD, down_SMD, down_SM, up_SOM, up_SO = (self._leaves[name] for name in NAMES)
        hidden_SPM = torch.tanh(torch.einsum("spd,smd->spm", embedding_SPD, down_SMD) + down_SM.unsqueeze(1))
        output_SPO = torch.einsum("spm,som->spo", hidden_SPM, up_SOM) + up_SO.unsqueeze(1)
        shape = (*output_SPO.shape[:2], self._layers, 2, self._heads, self._head_size)
        return output_SPO.reshape(shape).permute(0, 2, 3, 4, 1, 5).contiguous()
