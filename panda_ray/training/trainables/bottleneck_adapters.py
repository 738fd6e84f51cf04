"""Adapters (Houlsby et al., 2019, https://arxiv.org/abs/1902.00751): two small networks in every layer, and no prompt.

Shape letters: S members, L layers, A = 2 parts of a layer (attention, feed-forward), D width of the layers, M of the
bottleneck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from panda_ray.backbones.backbone import Backbone, Features
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.backbones.forward.sublayer_adapters import SublayerAdapters
from panda_ray.training.config import TrainConfig
from panda_ray.training.trainables.leaves import NamedLeaves
from panda_ray.training.trainables.trainable import Pass

NAMES = ("down.weight", "down.bias", "up.weight", "up.bias")


class BottleneckAdapters(NamedLeaves):
    """The adapters of each member.

    Args:
        parts: with `down.weight` (L, A, D, M), `down.bias` (L, A, M), `up.weight` (L, A, M, D) and `up.bias` (L, A, D).
    """

    def __init__(self, parts: Sequence[Mapping[str, Tensor]], config: TrainConfig, backbone: Backbone) -> None:
        super().__init__(parts, NAMES, backbone.device)

    def features(self, run: Pass, blocks: Sequence[Tokens]) -> list[Features]:
        return run.backbone.forward(
            blocks,
            None,
            position_offset=False,
            dropout=run.dropout,
            pooled_only=run.pooled_only,
            adapters=SublayerAdapters(*(self._leaves[name] for name in NAMES)),
        )

    def artifact(self, member: int) -> Mapping[str, Tensor]:
        return self.copies(member)
