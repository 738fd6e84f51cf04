"""Vanilla prompt transfer (PoT, Vu et al. 2022 "SPoT"): the source prompt is the initial prompt of the target."""

from __future__ import annotations

from panda_ray.methods.method import Inputs, Method, MethodOptions
from panda_ray.methods.requirements import Requirement, SourcePrompts
from panda_ray.training.member import Member


class PoT(Method):
    """The prompt starts as the source prompt, the head is fresh; then ordinary training on the target."""

    name = "pot"
    summary = "transfer by initialisation: the prompt starts as the source prompt (SPoT)"
    sources = "one"

    def requires(self, options: MethodOptions) -> tuple[Requirement, ...]:
        return (SourcePrompts(),)

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        from panda_ray.training.trainables.prefix import prefix_part

        (source,) = inputs.source_prompts
        return Member(inputs.name, inputs.seed, inputs.config.lr, prefix_part(source.prefix_LKNPH))
