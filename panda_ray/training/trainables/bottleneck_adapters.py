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
from panda_ray.training.trainables.leaves import host_copy, kept, leaf_of
from panda_ray.training.trainables.trainable import Pass

NAMES = ("down.weight", "down.bias", "up.weight", "up.bias")


class BottleneckAdapters:
    """The adapters of each member.

    Args:
        parts: with `down.weight` (L, A, D, M), `down.bias` (L, A, M), `up.weight` (L, A, M, D) and `up.bias` (L, A, D).
    """

    def __init__(self, parts: Sequence[Mapping[str, Tensor]], config: TrainConfig, backbone: Backbone) -> None:
        self._leaves = {name: leaf_of([part[name] for part in parts], backbone.device) for name in NAMES}

    @property
    def leaves(self) -> Mapping[str, Tensor]:
        return self._leaves

    def keep(self, members: Sequence[int]) -> None:
        self._leaves = {name: kept(leaf, members) for name, leaf in self._leaves.items()}

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
        return {name: host_copy(leaf, member) for name, leaf in self._leaves.items()}
