"""Outputs of a stack as it is on a whole split, without gradients: evaluation and teachers share it.

Shape letters: S members, B examples of a batch, X rows or tokens that a head reads, D hidden size, C outputs.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from panda_ray.backbones.backbone import Backbone
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.backbones.forward.row_reader import RowReader
from panda_ray.tasks.kinds import TaskKind
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.collective import SOLO, Collective
from panda_ray.training.engine.halting import Halt, end_if_asked, never
from panda_ray.training.engine.losses.head_outputs import head_input, head_outputs
from panda_ray.training.engine.stack.stack_model import StackModel
from panda_ray.training.trainables.trainable import Pass, Trainable


def autocast(config: TrainConfig, device: torch.device) -> torch.autocast:
    """bf16 autocast where the configuration asks for it; otherwise a context that does nothing."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.precision == "bf16")


@torch.no_grad()
def outputs_by_batch(
    backbone: Backbone,
    kind: TaskKind,
    reader: RowReader,
    model: StackModel,
    config: TrainConfig,
    collective: Collective = SOLO,
    halt: Halt = never,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Outputs of all members for all examples, or for this worker's part of them, in batches of similar length.

    Yields:
        host indices (B,) and outputs (S, B, ..., C) in float32.

    Raises:
        HaltedError: between two batches.
    """
    weight_SCD, bias_SC = model.heads.weight_SCD, model.heads.bias_SC
    members = len(weight_SCD)
    examples = reader.examples_per_pass(members, backbone.geometry.hidden)
    for example_B in reader.by_length(examples, collective.rank, collective.size):
        end_if_asked(halt)
        blocks, read_SXD = read_examples(backbone, kind, reader, example_B.repeat(members, 1), model.trainable, config)
        yield example_B, head_outputs(kind, read_SXD, weight_SCD, bias_SC, blocks, reader.split.rows_per_example)


@torch.no_grad()
def read_examples(
    backbone: Backbone,
    kind: TaskKind,
    reader: RowReader,
    index_SB: Tensor,
    trainable: Trainable,
    config: TrainConfig,
    length: int | None = None,
) -> tuple[list[Tokens], Tensor]:
    """What heads read of examples, (S, X, D), and their blocks; the fewer and better filled if sorted by length.

    Args:
        length: tokens per row where the head reads every token; the longest row's unless given.
    """
    if kind.reads_tokens:
        blocks = [reader.tokens(index_SB, length)]
    else:
        blocks = [reader.tokens(block_SB) for block_SB in reader.blocks(index_SB)]
    with autocast(config, backbone.device):
        features = trainable.features(Pass(backbone, pooled_only=not kind.reads_tokens), blocks)
    return blocks, head_input(kind, features, len(index_SB))
