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

from panda_ray.metrics.tried_pairs import TriedPairMetric


class FirstEpochPoT(TriedPairMetric):
    """The dev score of the source's prompt after one epoch on the target."""

    name = "first_epoch_pot"
    version = 1
    summary = "the target's dev score after one epoch of PoT (1,000 steps on large tasks): measured, not predicted"
    trains = "teacher"

    def score(self, record: Mapping[str, Any]) -> float:
        """Of the half that selects, where the protocol has one."""
        name = "score_select" if record["protocol"] == "honest" else "score"
        return min(max(float(record["history"][-1][name]) / 100, 0.0), 1.0)
