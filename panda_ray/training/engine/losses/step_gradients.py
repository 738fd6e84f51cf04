"""The gradients of one step, in chunks that fit the device, by one worker or by several.

Shape letters: S members, B examples of a step.
"""

from __future__ import annotations

import torch
from torch import Tensor

from panda_ray.backbones.forward.row_reader import RowReader
from panda_ray.training.engine.collective import Collective, sum_gradients
from panda_ray.training.engine.halting import Halt
from panda_ray.training.engine.losses.step_losses import StepLosses
from panda_ray.training.engine.stack.state import StackState


class StepGradients:
    """Puts gradients into the leaves of a state's model, whoever computes them; notes who is no longer finite."""

    def __init__(
        self, losses: StepLosses, reader: RowReader, state: StackState, collective: Collective, halt: Halt
    ) -> None:
        self._losses, self._reader, self._state = losses, reader, state
        self._collective, self._halt = collective, halt

    def put(self, index_SB: Tensor, dropout_seed: int) -> tuple[Tensor, bool]:
        """Add the gradients of a step's examples to what the leaves have.

        Args:
            dropout_seed: this worker's at this step; one worker alone goes on in its own stream.

        Returns:
            the step's losses (S,), and whether the training should stop for now.
        """
        count_S = self._losses.counts(index_SB)
        rank, size = self._collective.rank, self._collective.size
        if size == 1:
            return self._put_part(index_SB, index_SB.shape[1], count_S), self._halt()
        torch.manual_seed(dropout_seed)
        loss_S = self._put_part(self._reader.part_of_step(index_SB, rank, size), index_SB.shape[1], count_S)
        loss_S, is_asked = sum_gradients(self._state.model.leaves.values(), loss_S, self._halt(), self._collective)
        self._state.alive_S &= loss_S.isfinite()
        return loss_S, is_asked

    def _put_part(self, part_SB: Tensor, batch_size: int, count_S: Tensor) -> Tensor:
        """Losses (S,) of a part of a step's examples, whose gradients are added chunk by chunk."""
        state = self._state
        loss_S = torch.zeros_like(state.loss_sum_S)
        for chunk in self._reader.chunks(part_SB):
            chunk_loss_S = self._losses.of_chunk(chunk, batch_size) / count_S
            state.alive_S &= chunk_loss_S.detach().isfinite()
            torch.where(state.alive_S, chunk_loss_S, 0.0).sum().backward()  # type: ignore[no-untyped-call]
            loss_S += chunk_loss_S.detach()
        return loss_S
