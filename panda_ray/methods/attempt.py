"""ATTEMPT (Asai et al., 2022, https://arxiv.org/abs/2205.11961): attention of each row over several source prompts.

A target prompt and a small network are trained; the source prompts stay as they are. The network's weights start like
those of PyTorch's linear layers, the target prompt from the initialiser. What each row makes of the prompts is in
`training/trainables/attended_prompts.py`. Unlike the authors' code there is one learning rate for prompt and network.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from panda_ray.methods.method import Inputs, Method, MethodOptions
from panda_ray.methods.requirements import Requirement, SourcePrompts
from panda_ray.methods.starts import fresh_prefix, initial_linear, joined_prefixes
from panda_ray.methods.trains import Trains
from panda_ray.training.member import Member

if TYPE_CHECKING:
    from torch import Tensor


class AttemptOptions(MethodOptions):
    """Options of ATTEMPT."""

    bottleneck: int = Field(default=100, ge=1)
    """M, the width between W_down and W_up; the authors' code has 100."""
    temperature: float = Field(default=math.e, gt=0, le=1e6)
    """T is this times the number of entries of a key; the authors' is e."""


class Attempt(Method):
    """A target prompt and an attention over frozen source prompts, trained on the target."""

    name = "attempt"
    summary = "each row mixes several frozen source prompts and the target's own by a trained attention (Asai et al.)"
    sources = "several"
    Options = AttemptOptions

    def requires(self, options: MethodOptions) -> tuple[Requirement, ...]:
        return (SourcePrompts(),)

    def trains(self, options: Mapping[str, Any]) -> Trains:
        return Trains(f"attention over prompts, bottleneck {options['bottleneck']}", has_adapter=False)

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        from panda_ray.training.trainables.attended_prompts import AttendedPrompts
        from panda_ray.training.trainables.trainable import Part

        assert isinstance(options, AttemptOptions)
        return Member(inputs.name, inputs.seed, inputs.config.lr, Part(AttendedPrompts, _start(inputs, options)))


def _start(inputs: Inputs, options: AttemptOptions) -> Mapping[str, Tensor]:
    import torch

    from panda_ray.seeding import generator

    sizes, random = inputs.geometry, generator(inputs.seed, "attempt")
    entries = sizes.kv_heads * sizes.head_size

    return {
        "sources": joined_prefixes(inputs, inputs.source_prompts, "attempt"),
        "target": fresh_prefix(inputs).tensors["prefix"],
        "down": initial_linear(options.bottleneck, sizes.hidden, random),
        "up": initial_linear(entries, options.bottleneck, random),
        "norm.weight": torch.ones(entries),
        "norm.bias": torch.zeros(entries),
        "temperature": torch.tensor(options.temperature * entries),
    }
