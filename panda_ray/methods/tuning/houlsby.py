"""Adapters (Houlsby et al., 2019, https://arxiv.org/abs/1902.00751): small networks in every layer, and no prompt.

One stands behind attention and one behind the feed-forward network, before what the part read is added: down to a
bottleneck, a GELU, up again, and what went in added. They start near the identity: weights from N(0, 0.01^2), cut at
two standard deviations, biases 0. Unlike there, layer norms stay frozen. The PanDa paper states neither bottleneck nor
learning rate: 64 and 3e-4 are among those that Houlsby et al. tried, and a learning rate that a sweep file gives holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from panda_ray.methods.method import Inputs, Method, MethodOptions
from panda_ray.methods.starts import without_prompt
from panda_ray.methods.trains import Trains
from panda_ray.tasks.task import Hyperparameters, SizeClass, TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.training.trainables.trainable import Part

_LR = 3e-4
_STD = 0.01


class HoulsbyOptions(MethodOptions):
    """Options of adapters."""

    bottleneck: int = Field(default=64, ge=1)
    """M, the width between W_down and W_up."""


class Houlsby(Method):
    """Fresh adapters, trained on the task."""

    name = "houlsby"
    summary = "no prompt and no transfer: bottleneck adapters in every layer (Houlsby et al.)"
    Options = HoulsbyOptions

    def trains(self, options: Mapping[str, Any]) -> Trains:
        # The lowest gradient is that of the first attention's output: hardly less than that of its keys and values.
        width: int = options["bottleneck"]
        return Trains(f"adapters, bottleneck {width}", has_adapter=False, bottleneck=width)

    def hyperparameters(self, task: TaskSpec, options: MethodOptions) -> Hyperparameters:
        return replace(task.hyperparameters, lr=_LR)

    def config(self, config: TrainConfig, size_class: SizeClass, options: MethodOptions) -> TrainConfig:
        return without_prompt(config)

    def kept_part(self, trained: Mapping[str, Tensor]) -> Part:
        from panda_ray.training.trainables.bottleneck_adapters import BottleneckAdapters
        from panda_ray.training.trainables.trainable import Part

        return Part(BottleneckAdapters, trained)

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        assert isinstance(options, HoulsbyOptions)
        start = self.kept_part(_fresh(inputs, options.bottleneck))
        return Member(inputs.name, inputs.seed, inputs.config.lr, start)


def _fresh(inputs: Inputs, bottleneck: int) -> Mapping[str, Tensor]:
    import torch

    from panda_ray.seeding import generator

    random, places = generator(inputs.seed, "houlsby"), (inputs.geometry.layers, 2)

    def near_zero(*shape: int) -> Tensor:
        weight = torch.empty((*places, *shape))
        return torch.nn.init.trunc_normal_(weight, std=_STD, a=-2 * _STD, b=2 * _STD, generator=random)

    width = inputs.geometry.hidden
    return {
        "down.weight": near_zero(width, bottleneck),
        "down.bias": torch.zeros((*places, bottleneck)),
        "up.weight": near_zero(bottleneck, width),
        "up.bias": torch.zeros((*places, width)),
    }
