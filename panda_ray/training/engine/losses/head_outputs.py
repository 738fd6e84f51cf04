"""From features to what heads read of them, and on to their outputs; what differs between tasks is their kind's.

The last dimension of the outputs is always the one that a softmax runs over, if there is one.

Shape letters: S members, B examples, X rows or tokens that a head reads, D hidden size, C outputs of the head,
... positions per example (none, T for tagging, 2 for start and end).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from panda_ray.backbones.backbone import Features
from panda_ray.backbones.forward.blocks import Tokens
from panda_ray.prompts.heads import apply_heads
from panda_ray.tasks.kinds import TaskKind


def head_input(kind: TaskKind, features: Sequence[Features], members: int) -> Tensor:
    """What the heads read, (S, X, D) in float32: pooled rows of all blocks, or every token of one block."""
    if kind.reads_tokens:
        assert len(features) == 1, "blocks differ in their number of tokens"
    read = [block.hidden_RTD if kind.reads_tokens else block.pooled_RD for block in features]
    return torch.cat([part.reshape(members, -1, part.shape[-1]) for part in read], dim=1).float()


def head_outputs(
    kind: TaskKind,
    input_SXD: Tensor,
    weight_SCD: Tensor,
    bias_SC: Tensor,
    blocks: Sequence[Tokens],
    rows_per_example: int,
) -> Tensor:
    """Outputs (S, B, ..., C) of every member's head, for what `head_input` gave of these blocks."""
    lengths_R = blocks[0].lengths_R if kind.reads_tokens else None
    return kind.outputs(apply_heads(input_SXD, weight_SCD, bias_SC), rows_per_example, lengths_R)
