"""Linear heads of a stack: one per member, applied in one contraction.

Shape letters: S members, X anything (examples, or examples x tokens), D hidden size, C outputs.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

HEAD_STD = 0.02
"""Standard deviation of a fresh head's weights, as BERT's own initialiser uses."""


def initial_head(outputs: int, hidden: int, random: Generator) -> tuple[Tensor, Tensor]:
    """Fresh weight (C, D) and zero bias (C,) in float32."""
    return torch.randn((outputs, hidden), generator=random) * HEAD_STD, torch.zeros(outputs)


def apply_heads(features_SXD: Tensor, weight_SCD: Tensor, bias_SC: Tensor) -> Tensor:
    """Outputs (S, X, C): every member's features through its own head."""
    return torch.einsum("sxd,scd->sxc", features_SXD, weight_SCD) + bias_SC.unsqueeze(1)
