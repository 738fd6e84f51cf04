"""What methods start from: the initialiser, the prompts of several sources, no prompt at all."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from panda_ray.errors import InputError
from panda_ray.methods.method import Inputs, Origin
from panda_ray.training.config import TrainConfig

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from panda_ray.prompts.prompt import Prompt
    from panda_ray.training.trainables.trainable import Part

_NO_PROMPT = TrainConfig(lr=0.0, batch_size=1, epochs=1, prompt_len=0, position_offset=False)
"""What hyper-parameters of prompts are where there is none: they must not tell keys apart."""


def without_prompt(config: TrainConfig) -> TrainConfig:
    """The hyper-parameters of a training that has no prompt."""
    return replace(
        config,
        prompt_len=_NO_PROMPT.prompt_len,
        position_offset=_NO_PROMPT.position_offset,
        initialization=_NO_PROMPT.initialization,
        initialization_scale=_NO_PROMPT.initialization_scale,
    )


def joined_prefixes(inputs: Inputs, prompts: tuple[Prompt, ...], method: str) -> Tensor:
    """The prefixes of all sources, (n, L, K, N, P, H).

    Args:
        method: its name, for the message.

    Raises:
        InputError: they are not as long as the configuration says.
    """
    import torch

    lengths = {prompt.prefix_LKNPH.shape[3] for prompt in prompts}
    if lengths != {inputs.config.prompt_len}:
        said = ", ".join(map(str, sorted(lengths)))
        raise InputError(
            f"{method} mixes prompts of one length: prompt_len is {inputs.config.prompt_len}, sources have {said}"
        )
    return torch.stack([prompt.prefix_LKNPH for prompt in prompts])


def initial_linear(outputs: int, inputs: int, random: Generator) -> Tensor:
    """The weight (outputs, inputs) that PyTorch's linear layers start with."""
    import torch

    return (2 * torch.rand((outputs, inputs), generator=random) - 1) / math.sqrt(inputs)


def fresh_prefix(inputs: Inputs, random: Generator | None = None) -> Part:
    """A prefix from the initialiser, by the member's own seed unless a generator is given."""
    from panda_ray.training.trainables.prefix import prefix_part

    own = Origin(inputs.config.initialization, inputs.config.initialization_scale)
    return prefix_part(first_prefix(inputs, own, random))


def first_prefix(inputs: Inputs, origin: Origin, random: Generator | None = None) -> Tensor:
    """What a prompt of prompt tuning with the member's seed is before its first step, (L, K, N, P, H)."""
    from panda_ray.prompts.initialization import initial_prefix
    from panda_ray.seeding import generator

    drawn = random if random is not None else generator(inputs.seed, "prefix")
    return initial_prefix(origin.initialization, origin.scale, inputs.geometry, inputs.config.prompt_len, drawn)
