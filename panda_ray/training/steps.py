"""The optimiser steps of a training, and the epochs that they fall into."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from panda_ray.training.config import TrainConfig


@dataclass(frozen=True)
class Steps:
    """How many there are; numbered from 0.

    Attributes:
        total: of the training.
        per_epoch: of a whole epoch; the last one may have fewer.
    """

    total: int
    per_epoch: int

    @classmethod
    def of(cls, config: TrainConfig, examples: float) -> Self:
        """Of a training on so many examples, of which planning may know a mean alone."""
        per_epoch = math.ceil(examples / config.batch_size)
        total = per_epoch * config.epochs
        return cls(total if config.max_steps is None else min(total, config.max_steps), per_epoch)

    @property
    def evaluations(self) -> int:
        """One at the end of each epoch; where there are no steps, one all the same."""
        return max(1, self.epoch_of(self.total))

    def epoch_of(self, done: int) -> int:
        """The epoch, from 1, that the last of so many steps belongs to; 0 before the first."""
        return -(-done // self.per_epoch)

    def ends_epoch(self, done: int) -> bool:
        """Whether an evaluation follows after so many steps."""
        return done == self.total or (done > 0 and done % self.per_epoch == 0)

    def left_of_epoch(self, done: int) -> slice:
        """The batches, by their place in the epoch, that are left of it after so many steps."""
        first = done % self.per_epoch
        return slice(first, first + self.total - done)
