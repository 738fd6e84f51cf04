"""Outputs of what one member trained for all examples of a split.

Shape letters: E examples of the split, B of a batch, T tokens, C outputs.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from panda_ray.backbones.backbone import Backbone
from panda_ray.backbones.forward.row_reader import RowReader
from panda_ray.tasks.encoded import EncodedSplit
from panda_ray.tasks.kinds import TaskKind
from panda_ray.training.config import Precision, TrainConfig
from panda_ray.training.engine.passes.inference import outputs_by_batch
from panda_ray.training.engine.stack.stack_model import StackModel
from panda_ray.training.trainables.prefix import Prefixes
from panda_ray.training.trainables.trainable import Part
from panda_ray.training.trainables.virtual_tokens import VirtualTokens


def outputs_of(
    backbone: Backbone, kind: TaskKind, trained: Mapping[str, Tensor], split: EncodedSplit, precision: Precision
) -> Tensor:
    """(E, ..., C) on the host; where there is one output per token, all rows are as long as the split's longest.

    Args:
        trained: what was trained and its head, by their names in a training's file; positions start behind it.
    """
    asked = TrainConfig(lr=0.0, batch_size=1, epochs=0, precision=precision, position_offset=True)
    stacking = VirtualTokens if "virtual_tokens" in trained else Prefixes
    model = StackModel.kept([Part(stacking, trained)], asked, backbone)
    reader = RowReader(split.to(backbone.device))
    outputs_E: Tensor | None = None
    for example_B, output_1B in outputs_by_batch(backbone, kind, reader, model, asked):
        batch_B = output_1B[0].cpu()
        if outputs_E is None:
            outputs_E = _room(kind, split, batch_B)
        places = outputs_E if kind.token_dim is None else outputs_E.narrow(*_tokens(kind, batch_B))
        places[example_B] = batch_B
    assert outputs_E is not None, "a split has examples"
    return outputs_E


def _room(kind: TaskKind, split: EncodedSplit, batch_B: Tensor) -> Tensor:
    shape = [split.examples, *batch_B.shape[1:]]
    if kind.token_dim is not None:
        shape[kind.token_dim - 1] = split.input_ids_RT.shape[1]
    return torch.full(shape, kind.padding, dtype=batch_B.dtype)


def _tokens(kind: TaskKind, batch_B: Tensor) -> tuple[int, int, int]:
    """What of the outputs a batch has tokens for: dimension, first, count. A stack's first dimension is its members."""
    assert kind.token_dim is not None, "the head reads every token"
    return kind.token_dim - 1, 0, batch_B.shape[kind.token_dim - 1]
