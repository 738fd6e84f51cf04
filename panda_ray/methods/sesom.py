"""SESoM (Peng et al., 2023, https://arxiv.org/abs/2210.12587): attention of each row over what several models say.

The models are the target-like prompts of the sources with their heads, because a source's own head has other classes;
the paper trains its source models on the target's few rows first, too. They stay as they are, and two small networks
are trained that bring a row and what the models say of it (before the softmax) into one space, where their products
give each model's share, anew for each row: `training/trainables/attended_outputs.py`.

The paper's abstract and summaries of it could be read, its equations and code could not. As far as is known, these are
not the paper's: products of queries and keys are divided by the square root of their length, so that the shares are not
all or nothing from the start on; the width of the bottlenecks; the start of the weights, which is that of PyTorch's
linear layers; no dropout, because nothing but the mixture is trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from panda_ray.methods.method import Inputs, Method, MethodOptions
from panda_ray.methods.requirements import PairTeachers, Requirement
from panda_ray.methods.starts import initial_linear, joined_prefixes
from panda_ray.methods.trains import Trains
from panda_ray.tasks.task import SizeClass
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member

if TYPE_CHECKING:
    from torch import Tensor


class SesomOptions(MethodOptions):
    """Options of SESoM."""

    bottleneck: int = Field(default=64, ge=1)
    """M, the width between W_down and W_up of both networks."""


class Sesom(Method):
    """An attention over the outputs of frozen target-like models, trained on the target."""

    name = "sesom"
    summary = "each row mixes the outputs of several frozen target-like prompts by a trained attention (Peng et al.)"
    sources = "several"
    Options = SesomOptions

    def requires(self, options: MethodOptions) -> tuple[Requirement, ...]:
        return (PairTeachers("teacher"),)

    def trains(self, options: Mapping[str, Any]) -> Trains:
        return Trains(
            f"attention over outputs, bottleneck {options['bottleneck']}", gradients="none", has_adapter=False
        )

    def passes_per_row(self, sources: int) -> int:
        return sources

    def config(self, config: TrainConfig, size_class: SizeClass, options: MethodOptions) -> TrainConfig:
        return replace(config, dropout=0.0)

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        from panda_ray.training.trainables.attended_outputs import AttendedOutputs
        from panda_ray.training.trainables.trainable import Part

        assert isinstance(options, SesomOptions)
        start = Part(AttendedOutputs, _start(inputs, options.bottleneck))
        return Member(inputs.name, inputs.seed, inputs.config.lr, start, keeps_head=True)


def _start(inputs: Inputs, bottleneck: int) -> Mapping[str, Tensor]:
    import torch

    from panda_ray.seeding import generator

    models, hidden, random = inputs.teachers, inputs.geometry.hidden, generator(inputs.seed, "sesom")
    outputs = len(models[0].head_bias_C)
    return {
        "sources": joined_prefixes(inputs, models, "sesom"),
        "source.weight": torch.stack([model.head_weight_CD for model in models]),
        "source.bias": torch.stack([model.head_bias_C for model in models]),
        "query.down": initial_linear(bottleneck, hidden, random),
        "query.up": initial_linear(hidden, bottleneck, random),
        "query.norm.weight": torch.ones(hidden),
        "query.norm.bias": torch.zeros(hidden),
        "key.down": initial_linear(bottleneck, outputs, random),
        "key.up": initial_linear(hidden, bottleneck, random),
        "key.norm.weight": torch.ones(hidden),
        "head.weight": torch.eye(outputs),
        "head.bias": torch.zeros(outputs),
    }
