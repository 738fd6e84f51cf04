"""The third kind of metric: it tries the pair, by a training on the target that begins with the source's prompt.

The training is a unit of its own, stacked and stored like every other. What the metric keeps of it is one number, the
similarity of the pair, which has a direction.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.metrics.metric import MetricOptions


class TriedPairMetric(ABC):
    """A metric by what a training of the pair has shown."""

    name: str
    version: int
    summary: str
    needs_prompt = True
    needs_data = False
    Options: type[MetricOptions] = MetricOptions
    trains: str
    """The method that every pair is trained by."""

    @abstractmethod
    def score(self, record: Mapping[str, Any]) -> float:
        """How good the source is for the target, in [0, 1].

        Args:
            record: of the pair's training.
        """

    def kept(self, record: Mapping[str, Any]) -> NDArray[np.float32]:
        """What is kept of a pair, (1,)."""
        return np.array([self.score(record)], dtype=np.float32)

    def similarity(
        self, source: NDArray[np.float32] | None, target: NDArray[np.float32] | None, options: MetricOptions
    ) -> float:
        """The number that is kept of the pair; nothing is kept of a target alone."""
        assert source is not None, "this metric has an embedding"
        return float(source[0])
