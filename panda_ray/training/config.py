"""The hyper-parameters of one training: what bears on its result besides the data, the method and the seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from panda_ray.tasks.task import Schedule

Protocol = Literal["paper", "honest"]
Precision = Literal["fp32", "bf16"]
Initialization = Literal["normal", "uniform", "sparse", "zeros", "ones"]


@dataclass(frozen=True)
class TrainConfig:
    """Prefix-tuning hyper-parameters; the defaults are the paper's where it states them."""

    lr: float
    batch_size: int
    epochs: int
    schedule: Schedule = "linear"
    """`linear`: to 0 over the training, without warm-up. `exponential`: times 0.95 after each epoch."""
    max_steps: int | None = None
    """Stop after so many optimiser steps, even inside an epoch; the schedule then ends there."""
    prompt_len: int = 20
    max_len: int = 128
    """Tokens per row at the most, special tokens included, virtual tokens not."""
    initialization: Initialization = "normal"
    initialization_scale: float = 0.02
    """Standard deviation (normal), half width (uniform) or standard deviation of the non-zero half (sparse)."""
    dropout: float = 0.1
    """On the prefix, inside the backbone and before the head."""
    weight_decay: float = 0.0
    grad_clip: float = 1.0
    """Largest L2 norm of one member's gradient (prompt and head together)."""
    position_offset: bool = True
    """Token positions start at the prompt length, as with `past_key_values`; otherwise at 0."""
    protocol: Protocol = "paper"
    """`paper`: the best epoch on the whole dev set. `honest`: one half selects, the other is reported."""
    precision: Precision = "fp32"
