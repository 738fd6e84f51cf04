"""What one comparison trains: the same for every comparator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from panda_ray.training.config import Precision, TrainConfig

Method = Literal["pot", "panda"]
KD_WEIGHT = 0.05 * 0.8
"""lambda of the paper times a similarity such as its Table VIII shows; the value has no bearing on speed."""


@dataclass(frozen=True)
class Setting:
    """One comparison.

    Attributes:
        rows: training examples, drawn from the task's distribution of lengths.
        epochs: passes over them. The paper makes 40 to 100; with few of them panda_ray's one pass of the teacher weighs
            more, so that the ratios err on the low side.
    """

    backbone: str
    task: str
    method: Method
    device: torch.device
    precision: Precision = "fp32"
    rows: int = 128
    epochs: int = 4
    batch_size: int = 16
    prompt_len: int = 20
    max_len: int = 128
    dropout: float = 0.1
    lr: float = 0.01
    seed: int = 11
    activation_checkpointing: bool = False
    """Of panda_ray alone."""
    dev_rows: int = 4
    """Rows that panda_ray evaluates on after each epoch; the others never evaluate."""

    def __post_init__(self) -> None:
        assert self.rows % self.batch_size == 0, "all steps have the same number of examples"

    @property
    def steps(self) -> int:
        return self.rows // self.batch_size * self.epochs

    @property
    def student_examples(self) -> int:
        """Examples that one student trains on."""
        return self.rows * self.epochs

    @property
    def config(self) -> TrainConfig:
        """The same in panda_ray's terms."""
        return TrainConfig(
            lr=self.lr,
            batch_size=self.batch_size,
            epochs=self.epochs,
            prompt_len=self.prompt_len,
            max_len=self.max_len,
            dropout=self.dropout,
            precision=self.precision,
        )
