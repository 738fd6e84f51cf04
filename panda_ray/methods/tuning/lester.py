"""Prompt tuning of the input alone (Lester, Al-Rfou & Constant, 2021, https://arxiv.org/abs/2104.08691): no transfer.

P trained vectors stand in front of the tokens of every row, take the positions 0 to P - 1, and are no key or value of
any layer but what the layers make of them. The paper trained T5, which has no pooled token; here heads read what they
read of the plain model, the row's first token (its last one in decoders), which stands at position P in BERT. P-Tuning
v2's code, which the PanDa paper ran, gives text its positions and segments twice (`embedded: twice`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from panda_ray.methods.method import Inputs, Method, MethodOptions
from panda_ray.methods.trains import Trains
from panda_ray.tasks.task import SizeClass
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.training.trainables.trainable import Part


class LesterOptions(MethodOptions):
    """Options of prompt tuning in the input."""

    embedded: Literal["once", "twice"] = "once"
    """`twice`, as P-Tuning v2's code does: what the embedding layer makes of the text (words, positions from 0,
    segments, norm) is taken for word embeddings behind the virtual tokens and passes through the embedding layer once
    more, with positions from P."""


class Lester(Method):
    """Virtual tokens from the initialiser, trained on the task."""

    name = "lester"
    summary = "no transfer: trained vectors in front of the input's word embeddings alone (Lester et al.)"
    Options = LesterOptions

    def trains(self, options: Mapping[str, Any]) -> Trains:
        return Trains(f"virtual tokens, text embedded {options['embedded']}", as_tokens=True, gradients="inputs")

    def config(self, config: TrainConfig, size_class: SizeClass, options: MethodOptions) -> TrainConfig:
        return replace(config, position_offset=True)

    def kept_part(self, trained: Mapping[str, Tensor]) -> Part:
        from panda_ray.training.trainables.trainable import Part
        from panda_ray.training.trainables.virtual_tokens import VirtualTokens

        return Part(VirtualTokens, trained)

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        from panda_ray.prompts.initialization import initial_values
        from panda_ray.seeding import generator
        from panda_ray.training.trainables.virtual_tokens import virtual_tokens_part

        assert isinstance(options, LesterOptions)
        config, shape = inputs.config, (inputs.config.prompt_len, inputs.geometry.hidden)
        random = generator(inputs.seed, "virtual-tokens")
        virtual_PD = initial_values(config.initialization, config.initialization_scale, shape, random)
        start = virtual_tokens_part(virtual_PD, embedded_twice=options.embedded == "twice")
        return Member(inputs.name, inputs.seed, config.lr, start)
