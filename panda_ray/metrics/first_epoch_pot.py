"""First-epoch PoT: what transfer of the pair really gives when it is tried for a short while.

The paper holds its metric against PoT's score after one epoch (Sec. IV-E), which can be measured: one epoch on the
target for each source, all of them as one stack. What is trained is what PanDa takes for its teacher, a training of its
own under a schedule that ends with it, and not the beginning of a longer PoT run. It looks at the target's dev set, on
which the final score is taken, too; under the `honest` protocol at the half that selects.

Scaling: the score in percent over 100, and 0 for scores below 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.metrics.metric import MetricOptions


class FirstEpochPoT:
    """The dev score of the source's prompt after one epoch on the target."""

    name = "first_epoch_pot"
    version = 1
    summary = "the target's dev score after one epoch of PoT (1,000 steps on large tasks): measured, not predicted"
    needs_prompt = True
    needs_data = False
    Options: type[MetricOptions] = MetricOptions
    trains = "teacher"
    """The method that every pair is trained by."""

    def kept(self, record: Mapping[str, Any]) -> NDArray[np.float32]:
        """What is kept of the pair, (1,).

        Args:
            record: of its training.
        """
        name = "score_select" if record["protocol"] == "honest" else "score"
        return np.array([record["history"][-1][name] / 100], dtype=np.float32)

    def similarity(
        self, source: NDArray[np.float32] | None, target: NDArray[np.float32] | None, options: MetricOptions
    ) -> float:
        """The number that is kept of the pair; nothing is kept of a target alone."""
        assert source is not None, "this metric has an embedding"
        return float(np.clip(source[0], 0.0, 1.0))
