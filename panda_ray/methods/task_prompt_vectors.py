"""Task prompt vectors (Belanec et al., 2024, https://arxiv.org/abs/2408.01119): what sources have learned, added up.

A source's vector is tau_i = u_i - u_i0, its prompt minus what that was before its first step. The target's prompt
starts as u_0 + sum_i tau_i, u_0 from the target's own initialiser, and is trained as in prompt tuning. All prompts of a
seed that are initialised alike start from the same numbers, and then the vector of a single source gives PoT. The sum
of several is no mean, which is what tells this from SPoT.
"""

from __future__ import annotations

from panda_ray.errors import InputError
from panda_ray.methods.method import Inputs, Method, MethodOptions
from panda_ray.methods.requirements import Requirement, SourcePrompts
from panda_ray.methods.starts import first_prefix, fresh_prefix, joined_prefixes
from panda_ray.training.member import Member


class TaskPromptVectors(Method):
    """The prompt starts as the initialiser's plus the sources' vectors, the head is fresh; then as in prompt tuning."""

    name = "task_prompt_vectors"
    summary = "transfer by initialisation from several sources: the sum of what their prompts learned (Belanec et al.)"
    sources = "several"

    def requires(self, options: MethodOptions) -> tuple[Requirement, ...]:
        return (SourcePrompts(),)

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        from panda_ray.training.trainables.prefix import prefix_part

        start_LKNPH = fresh_prefix(inputs).tensors["prefix"]
        trained_nLKNPH = joined_prefixes(inputs, inputs.source_prompts, self.name)
        for trained_LKNPH, origin in zip(trained_nLKNPH, inputs.origins, strict=True):
            if origin is None:
                raise InputError(f"{self.name} subtracts a prompt's start, and of an imported one nobody knows it")
            start_LKNPH = start_LKNPH + (trained_LKNPH - first_prefix(inputs, origin))
        return Member(inputs.name, inputs.seed, inputs.config.lr, prefix_part(start_LKNPH))
