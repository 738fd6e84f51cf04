"""The constant metric: every source is as good as any other. The control of every claim about a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from panda_ray.metrics.metric import MetricOptions

if TYPE_CHECKING:
    from panda_ray.backbones.backbone import Backbone
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.tasks.encoded import EncodedTask


class Constant:
    """Similarity 1 for every pair."""

    name = "constant"
    version = 1
    summary = "1 for every pair: the control"
    needs_prompt = False
    needs_data = False
    Options: type[MetricOptions] = MetricOptions

    def embedding(
        self, backbone: Backbone, prompt: Prompt, task: EncodedTask | None, options: MetricOptions
    ) -> NDArray[np.float32]:
        return np.ones(1, dtype=np.float32)

    def similarity(
        self, source: NDArray[np.float32] | None, target: NDArray[np.float32] | None, options: MetricOptions
    ) -> float:
        return 1.0
