"""The training losses of a step's examples: a pass of the backbone, the heads, the labels, and what teachers add.

Shape letters: S members, B examples of a step, b of one block, X rows or tokens that a head reads, D hidden
size, C outputs of the head, ... positions per example.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from panda_ray.backbones.backbone import Backbone, Features
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.backbones.forward.dropout import dropout
from panda_ray.backbones.forward.row_reader import RowReader
from panda_ray.tasks.kinds import IGNORED, TaskKind
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.losses.head_outputs import head_input, head_outputs
from panda_ray.training.engine.losses.teacher import Teachers
from panda_ray.training.engine.passes.inference import autocast
from panda_ray.training.engine.stack.stack_model import StackModel
from panda_ray.training.trainables.trainable import Pass


class StepLosses:
    """What a stack's members are trained by, as long as `model` and `teachers` are those of the members that go on."""

    def __init__(
        self,
        backbone: Backbone,
        kind: TaskKind,
        reader: RowReader,
        model: StackModel,
        teachers: Teachers,
        config: TrainConfig,
    ) -> None:
        self._backbone, self._kind, self._reader = backbone, kind, reader
        self._model, self._teachers, self._config = model, teachers, config

    def counts(self, index_SB: Tensor) -> Tensor:
        """Positions of a step's examples that count, per member (S,): the divisor of every loss."""
        return label_counts(self._labels(index_SB, self._reader.split.input_ids_RT.shape[1]))

    def of_chunk(self, chunk: Sequence[Tensor], batch_size: int) -> Tensor:
        """Training loss of each member (S,), summed over a chunk of the step's examples: blocks (S, b)."""
        blocks = [self._reader.tokens(block_SB) for block_SB in chunk]
        run = Pass(self._backbone, pooled_only=not self._kind.reads_tokens, dropout=self._config.dropout)
        with autocast(self._config, self._backbone.device):
            features = self._model.trainable.features(run, blocks)
        if not self._kind.reads_tokens:
            return self._of_one_shape(chunk, blocks, features, batch_size)
        each = zip(chunk, blocks, features, strict=True)
        return torch.stack([self._of_one_shape([one], [tokens], [read], batch_size) for one, tokens, read in each]).sum(
            dim=0
        )

    def _of_one_shape(
        self, chunk: Sequence[Tensor], blocks: Sequence[Tokens], features: Sequence[Features], batch_size: int
    ) -> Tensor:
        """Loss of each member (S,) over blocks whose outputs have one shape."""
        read_SXD = dropout(head_input(self._kind, features, len(chunk[0])), self._config.dropout)
        heads = self._model.heads.weight_SCD, self._model.heads.bias_SC
        outputs = head_outputs(self._kind, read_SXD, *heads, blocks, self._reader.split.rows_per_example)
        length = blocks[0].input_ids_RT.shape[1]
        labels = self._labels(torch.cat(list(chunk), dim=1), length)
        loss_S = self._kind.loss(outputs, labels)
        if self._teachers.members:
            teacher = self._teachers.outputs(chunk, length, *heads)
            loss_S = loss_S + self._teachers.losses(outputs, teacher, labels, batch_size)
        return loss_S

    def _labels(self, index_SB: Tensor, length: int) -> Tensor:
        """Labels (S, B, ...) of the examples, cut to `length` tokens where there is one per token."""
        labels = self._reader.labels(index_SB, length)
        return labels.reshape(*index_SB.shape, *labels.shape[1:])


def label_counts(labels: Tensor) -> Tensor:
    """Positions that count, per member (S,).

    Args:
        labels: (S, B, ...), with `IGNORED` where nothing counts.
    """
    return (labels.flatten(1) != IGNORED).sum(dim=1).clamp(min=1)
