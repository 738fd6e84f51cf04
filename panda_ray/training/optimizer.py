"""The trained vectors of a stack, their optimiser and their learning rates.

Shape letters: S members, L layers, K = 2 (keys, values), N heads, P prompt length, H head size, C outputs, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from panda_ray.prompts.heads import initial_head
from panda_ray.prompts.prompt import Prompt
from panda_ray.seeding import generator
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member

_EPOCH_DECAY = 0.95
"""Factor per epoch of the exponential schedule (NER, SRL, QA)."""


class StackParameters:
    """Prefix and head of every member: separate leaves, so that each has its own optimiser state and learning rate."""

    def __init__(self, members: Sequence[Member], outputs: int, hidden: int, device: torch.device) -> None:
        heads = [initial_head(outputs, hidden, generator(member.seed, "head")) for member in members]
        self.prefixes = [_leaf(member.prefix_LKNPH, device) for member in members]
        self.head_weights = [_leaf(weight_CD, device) for weight_CD, _ in heads]
        self.head_biases = [_leaf(bias_C, device) for _, bias_C in heads]

    def of(self, member: int) -> list[Tensor]:
        """The leaves of one member."""
        return [self.prefixes[member], self.head_weights[member], self.head_biases[member]]

    def prefix_SLKNPH(self) -> Tensor:
        return torch.stack(self.prefixes)

    def head_SCD_SC(self) -> tuple[Tensor, Tensor]:
        return torch.stack(self.head_weights), torch.stack(self.head_biases)

    def prompt(self, member: int, position_offset: bool) -> Prompt:
        """A copy of one member's current state on the host."""
        prefix, weight, bias = (leaf.detach().cpu().clone() for leaf in self.of(member))
        return Prompt(prefix, weight, bias, position_offset)


def make_optimizer(parameters: StackParameters, members: Sequence[Member], config: TrainConfig) -> torch.optim.AdamW:
    """AdamW with one parameter group per member, so that each keeps its own learning rate."""
    groups = [{"params": parameters.of(index), "lr": member.lr} for index, member in enumerate(members)]
    return torch.optim.AdamW(groups, weight_decay=config.weight_decay)


def schedule_factor(config: TrainConfig, step: int, steps: int, steps_per_epoch: int) -> float:
    """Factor of the learning rate at optimiser step `step` (from 0) of `steps`."""
    if config.schedule == "linear":
        return 1.0 - step / steps
    return float(_EPOCH_DECAY ** (step // steps_per_epoch))


def clip_gradients(parameters: StackParameters, members: int, largest: float) -> None:
    """Clip each member's gradient by its own norm, so that members do not influence each other."""
    for member in range(members):
        torch.nn.utils.clip_grad_norm_(parameters.of(member), largest)


def _leaf(tensor: Tensor, device: torch.device) -> Tensor:
    return tensor.detach().to(device=device, dtype=torch.float32, copy=True).requires_grad_(True)
