"""Outputs of a stack of frozen prompts on a whole split, without gradients: evaluation and teachers share it.

Shape letters: S members, E examples, T tokens, C outputs, L layers, K = 2, N heads, P prompt length, H head size.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from panda_ray.backbones.backbone import Backbone
from panda_ray.backbones.rows import RowReader
from panda_ray.tasks.task import Kind
from panda_ray.training.collective import SOLO, Collective
from panda_ray.training.config import TrainConfig
from panda_ray.training.objective import head_input, head_outputs

_ROWS = {"cpu": 512, "cuda": 4096}
"""Rows per forward pass: wide enough to fill the device, small enough to stay in its caches."""


def autocast(config: TrainConfig, device: torch.device) -> torch.autocast:
    """bf16 autocast where the configuration asks for it; otherwise a context that does nothing."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.precision == "bf16")


@torch.no_grad()
def outputs_by_batch(
    backbone: Backbone,
    kind: Kind,
    reader: RowReader,
    prefix_SLKNPH: Tensor,
    weight_SCD: Tensor,
    bias_SC: Tensor,
    config: TrainConfig,
    collective: Collective = SOLO,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Outputs of all members for all examples, or for this worker's part of them, in batches of similar length.

    Yields:
        host indices (B,) and outputs (S, B, ..., C) in float32.
    """
    members = len(prefix_SLKNPH)
    width = max(1, _ROWS[backbone.device.type] // (members * reader.split.rows_per_example))
    for example_B in reader.by_length(width, collective.rank, collective.size):
        tokens = reader.tokens(example_B.repeat(members))
        with autocast(config, backbone.device):
            features = backbone.forward(tokens, prefix_SLKNPH, position_offset=config.position_offset)
        read_SXD = head_input(kind, features, members)
        yield example_B, head_outputs(kind, read_SXD, weight_SCD, bias_SC, tokens, reader.split.rows_per_example)
