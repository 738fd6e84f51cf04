"""The trained vectors of a stack, their optimiser and their learning rates.

All members' vectors live in three tensors with a member dimension in front. Every operation on them is elementwise or
a reduction within a member, so members stay as separate as if each had tensors of its own, and a step costs the same
few kernel launches for one member and for sixty-four.

Shape letters: S members, L layers, K = 2 (keys, values), N heads, P prompt length, H head size, C outputs, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from panda_ray.prompts.heads import initial_head
from panda_ray.prompts.prompt import Prompt
from panda_ray.seeding import generator
from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member

_EPOCH_DECAY = 0.95
"""Factor per epoch of the exponential schedule."""


class StackParameters:
    """Prefix and head of every member, in float32.

    Args:
        has_bias: otherwise the head's bias stays zero: it is no leaf, so nothing trains or decays it.
    """

    def __init__(
        self, members: Sequence[Member], outputs: int, hidden: int, device: torch.device, has_bias: bool = True
    ) -> None:
        heads = [initial_head(outputs, hidden, generator(member.seed, "head")) for member in members]
        self._has_bias = has_bias
        self.prefix_SLKNPH = _leaf([member.prefix_LKNPH for member in members], device)
        self.weight_SCD = _leaf([weight_CD for weight_CD, _ in heads], device)
        self.bias_SC = _leaf([bias_C for _, bias_C in heads], device).requires_grad_(has_bias)

    @property
    def leaves(self) -> tuple[Tensor, ...]:
        """Everything that is trained, each with the members as its first dimension."""
        bias = (self.bias_SC,) if self._has_bias else ()
        return self.prefix_SLKNPH, self.weight_SCD, *bias

    def keep(self, members: Sequence[int]) -> None:
        """Go on with these members alone, in this order; what the others had is freed."""
        self.prefix_SLKNPH = _part(self.prefix_SLKNPH, members)
        self.weight_SCD = _part(self.weight_SCD, members)
        self.bias_SC = _part(self.bias_SC, members)

    def prompt(self, member: int, position_offset: bool) -> Prompt:
        """A copy of one member's current state on the host."""
        vectors = self.prefix_SLKNPH, self.weight_SCD, self.bias_SC
        prefix, weight, bias = (vector[member].detach().cpu().clone() for vector in vectors)
        return Prompt(prefix, weight, bias, position_offset)


class StackedAdamW:
    """AdamW (Loshchilov & Hutter, 2019) with a learning rate per member; the arithmetic of `torch.optim.AdamW`.

    PyTorch keeps one learning rate per parameter group, and runs the groups one after the other.

    Args:
        leaves: with the members as their first dimension.
        lr_S: of each member, before the schedule's factor.
    """

    _BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8

    def __init__(self, leaves: Sequence[Tensor], lr_S: Tensor, weight_decay: float) -> None:
        self._leaves = tuple(leaves)
        self._lr_S = lr_S
        self._weight_decay = weight_decay
        self._steps = 0
        self._means = [torch.zeros_like(leaf) for leaf in leaves]
        self._squares = [torch.zeros_like(leaf) for leaf in leaves]

    def zero_grad(self) -> None:
        for leaf in self._leaves:
            leaf.grad = None

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """One update with every learning rate times `factor`."""
        self._steps += 1
        correction_1 = 1 - self._BETA_1**self._steps
        correction_2 = 1 - self._BETA_2**self._steps
        for leaf, mean, square in zip(self._leaves, self._means, self._squares, strict=True):
            assert leaf.grad is not None, "every leaf takes part in every step"
            rate = (self._lr_S * factor).reshape(-1, *[1] * (leaf.dim() - 1))
            mean.lerp_(leaf.grad, 1 - self._BETA_1)
            square.mul_(self._BETA_2).addcmul_(leaf.grad, leaf.grad, value=1 - self._BETA_2)
            if self._weight_decay:
                leaf.mul_(1 - rate * self._weight_decay)
            leaf.addcdiv_(mean * (-rate / correction_1), (square / correction_2).sqrt_().add_(self._EPSILON))

    def keep(self, leaves: Sequence[Tensor], members: Sequence[int]) -> None:
        """Go on with these members alone, whose vectors are in new leaves by now."""
        self._leaves = tuple(leaves)
        self._lr_S = self._lr_S[[*members]]
        self._means = [mean[[*members]] for mean in self._means]
        self._squares = [square[[*members]] for square in self._squares]

    def state(self) -> dict[str, Any]:
        """Plain data and tensors, for a checkpoint."""
        return {"steps": self._steps, "means": self._means, "squares": self._squares}

    def load(self, state: dict[str, Any]) -> None:
        """The inverse of `state`.

        Raises:
            ValueError: it is that of another stack.
        """
        self._steps = int(state["steps"])
        for own, saved in zip((*self._means, *self._squares), (*state["means"], *state["squares"]), strict=True):
            if saved.shape != own.shape:
                raise ValueError(f"{tuple(saved.shape)} instead of {tuple(own.shape)}")
            own.copy_(saved)


def make_optimizer(parameters: StackParameters, members: Sequence[Member], config: TrainConfig) -> StackedAdamW:
    """The optimiser of a stack whose members keep their own learning rates."""
    lr_S = torch.tensor([member.lr for member in members], device=parameters.prefix_SLKNPH.device)
    return StackedAdamW(parameters.leaves, lr_S, config.weight_decay)


def schedule_factor(config: TrainConfig, step: int, steps: int, steps_per_epoch: int) -> float:
    """Factor of the learning rate at optimiser step `step` (from 0) of `steps`."""
    if config.schedule == "linear":
        return 1.0 - step / steps
    return float(_EPOCH_DECAY ** (step // steps_per_epoch))


@torch.no_grad()
def clip_gradients(parameters: StackParameters, largest: float) -> None:
    """Clip each member's gradient by its own norm over prompt and head, so that members stay independent."""
    gradients = [leaf.grad for leaf in parameters.leaves if leaf.grad is not None]
    norm_S = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients]).norm(dim=0)
    scale_S = (largest / (norm_S + 1e-6)).clamp(max=1.0)  # the 1e-6 of torch.nn.utils.clip_grad_norm_
    for gradient in gradients:
        gradient.mul_(scale_S.reshape(-1, *[1] * (gradient.dim() - 1)))


def _leaf(per_member: Sequence[Tensor], device: torch.device) -> Tensor:
    stacked = torch.stack([tensor.detach().to(torch.float32) for tensor in per_member])
    return stacked.to(device).requires_grad_(True)


def _part(leaf: Tensor, members: Sequence[int]) -> Tensor:
    return leaf.detach()[[*members]].requires_grad_(leaf.requires_grad)
