"""The layers of an encoder, one after the other, each on its device; and activation checkpointing.

With activation checkpointing (Chen et al., 2016, arXiv:1604.06174) a pass keeps of each layer its input alone, and
computes it once more when its gradients are asked for: as it was computed, with the same draws of dropout and the
same weights in place, so that every number is the same.

Shape letters: X tokens of all blocks, Y rows of all blocks, D hidden size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from panda_ray.backbones.encoder import Encoder
from panda_ray.backbones.forward.dropout import PassDropout
from panda_ray.backbones.forward.forward_pass import ForwardPass
from panda_ray.backbones.forward.other_weights import OtherWeights


class Layers:
    """Args:
    count: how many the encoder has.
    recomputes: whether passes that take gradients do so.
    """

    def __init__(
        self, encoder: Encoder, count: int, dropout: PassDropout, other_weights: OtherWeights, recomputes: bool
    ) -> None:
        self._encoder = encoder
        self._devices = [next(encoder.module(index).parameters()).device for index in range(count)]
        self._dropout, self._other_weights = dropout, other_weights
        self._recomputes = recomputes

    def run(
        self, hidden_1XD: Tensor, run: ForwardPass, pooled_only: bool, weights: Mapping[str, Tensor] | None
    ) -> Tensor:
        """Hidden states after the last layer, (1, X, D), or (1, Y, D) of the pooled tokens alone; they come back to
        the device that they are given on.

        Args:
            weights: what is in the place of the model's own, if anything is.
        """
        layer: Callable[..., Tensor] = self._encoder.layer
        if self._recomputes and torch.is_grad_enabled():
            layer = partial(checkpoint, self._again, weights, use_reentrant=False)
        first, last = hidden_1XD.device, len(self._devices) - 1
        for index, device in enumerate(self._devices):
            run = run.on(device)
            hidden_1XD = layer(index, hidden_1XD.to(device), run, pooled_only and index == last)
        return hidden_1XD.to(first)

    @property
    def devices(self) -> tuple[torch.device, ...]:
        """Those that hold layers, in their order."""
        return (*dict.fromkeys(self._devices),)

    def _again(
        self,
        weights: Mapping[str, Tensor] | None,
        index: int,
        hidden_1XD: Tensor,
        run: ForwardPass,
        pooled_only: bool,
    ) -> Tensor:
        """One layer, also when the pass is over, whose dropout and weights it needs."""
        given = index, hidden_1XD, run, pooled_only
        with self._dropout.during_pass(run.dropout):
            if weights is None:
                return self._encoder.layer(*given)
            return self._other_weights.during(weights, self._encoder.layer, *given)
