"""A stack's optimiser, its learning rates, and the bound on its gradients, for leaves of any kind.

Shape letters: S members.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from panda_ray.training.config import TrainConfig
from panda_ray.training.member import Member
from panda_ray.training.steps import Steps

_EPOCH_DECAY = 0.95
"""Factor per epoch of the exponential schedule."""


class StackedAdamW:
    """AdamW (Loshchilov & Hutter, 2019) with a learning rate per member; the arithmetic of `torch.optim.AdamW`.

    PyTorch keeps one learning rate per parameter group, and runs the groups one after the other.

    Args:
        leaves: with the members as their first dimension.
        lr_S: of each member, before the schedule's factor.
    """

    _BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8

    def __init__(self, leaves: Collection[Tensor], lr_S: Tensor, weight_decay: float) -> None:
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
            if leaf.grad is None:  # nothing reads it, as a pooler where heads read tokens
                continue
            rate = (self._lr_S * factor).reshape(-1, *[1] * (leaf.dim() - 1))
            mean.lerp_(leaf.grad, 1 - self._BETA_1)
            square.mul_(self._BETA_2).addcmul_(leaf.grad, leaf.grad, value=1 - self._BETA_2)
            if self._weight_decay:
                leaf.mul_(1 - rate * self._weight_decay)
            leaf.addcdiv_(mean * (-rate / correction_1), (square / correction_2).sqrt_().add_(self._EPSILON))

    def keep(self, leaves: Collection[Tensor], members: Sequence[int]) -> None:
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


def make_optimizer(leaves: Collection[Tensor], members: Sequence[Member], config: TrainConfig) -> StackedAdamW:
    """The optimiser of a stack whose members keep their own learning rates."""
    lr_S = torch.tensor([member.lr for member in members], device=next(iter(leaves)).device)
    return StackedAdamW(leaves, lr_S, config.weight_decay)


def schedule_factor(config: TrainConfig, step: int, steps: Steps) -> float:
    """Factor of the learning rate at one of the optimiser steps."""
    if config.schedule == "linear":
        return 1.0 - step / steps.total
    return float(_EPOCH_DECAY ** (step // steps.per_epoch))


@torch.no_grad()
def clip_gradients(leaves: Collection[Tensor], largest: float) -> None:
    """Clip each member's gradient by its own norm over all leaves together, so that members stay independent."""
    gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
    norm_S = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients]).norm(dim=0)
    scale_S = (largest / (norm_S + 1e-6)).clamp(max=1.0)  # the 1e-6 of torch.nn.utils.clip_grad_norm_
    for gradient in gradients:
        gradient.mul_(scale_S.reshape(-1, *[1] * (gradient.dim() - 1)))
