"""A method: prompt transfer that keeps only a share of the source prompt, beside a fresh one."""

from __future__ import annotations

from pydantic import Field

from panda_ray.methods import Inputs, MethodOptions
from panda_ray.methods.pot import PoT
from panda_ray.methods.starts import fresh_prefix
from panda_ray.training.member import Member


class BlendedOptions(MethodOptions):
    """All of them enter the keys."""

    share: float = Field(default=0.5, ge=0, le=1)
    """Of the source prompt in the initial one."""


class BlendedPoT(PoT):
    """Keys hold `version` and the source of this file; of what it imports they know nothing, so raise it then."""

    name = "blended_pot"
    version = 1
    summary = "PoT from a blend of the source prompt and a fresh one"
    Options = BlendedOptions

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        from panda_ray.training.trainables.prefix import prefix_part

        assert isinstance(options, BlendedOptions)
        (source,) = inputs.source_prompts
        fresh_LKNPH = fresh_prefix(inputs).tensors["prefix"]
        blend_LKNPH = options.share * source.prefix_LKNPH + (1 - options.share) * fresh_LKNPH
        return Member(inputs.name, inputs.seed, inputs.config.lr, prefix_part(blend_LKNPH))


BLENDED_POT = BlendedPoT()
