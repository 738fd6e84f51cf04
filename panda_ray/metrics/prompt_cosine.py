"""E_avg (SPoT, Vu et al. 2022): cosine of the prompts, each averaged over its tokens.

Shape letters: L layers, K = 2 (keys, values), N heads, P prompt length, H head size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from panda_ray.metrics.metric import MetricOptions
from panda_ray.metrics.vectors import cosine

if TYPE_CHECKING:
    from panda_ray.backbones.backbone import Backbone
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.tasks.encoded import EncodedTask


class PromptCosine:
    """The embedding is the mean of the prompt over its P tokens, (L, K, N, H)."""

    name = "e_avg"
    version = 1
    summary = "cosine of the prompts averaged over their tokens (SPoT)"
    needs_prompt = True
    needs_data = False
    Options: type[MetricOptions] = MetricOptions

    def embedding(
        self, backbone: Backbone, prompt: Prompt, task: EncodedTask | None, options: MetricOptions
    ) -> NDArray[np.float32]:
        mean: NDArray[np.float32] = prompt.prefix_LKNPH.mean(dim=3).numpy()
        return mean

    def similarity(
        self, source: NDArray[np.float32] | None, target: NDArray[np.float32] | None, options: MetricOptions
    ) -> float:
        assert source is not None, "this metric has an embedding"
        assert target is not None, "this metric has an embedding"
        return cosine(source, target)
