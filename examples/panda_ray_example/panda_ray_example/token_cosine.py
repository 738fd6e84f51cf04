"""A metric: the cosine of two prompts token by token, averaged over the tokens.

Shape letters: P prompt length, F = L * K * N * H everything that a token has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from panda_ray.metrics.metric import MetricOptions

if TYPE_CHECKING:
    from panda_ray.backbones.backbone import Backbone
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.tasks.encoded import EncodedTask


class TokenCosine:
    """The embedding is the prompt with its tokens in front, each of length 1, (P, F)."""

    name = "token_cosine"
    version = 1
    summary = "mean cosine of corresponding tokens of two prompts"
    needs_prompt = True
    needs_data = False
    Options: type[MetricOptions] = MetricOptions

    def embedding(
        self, backbone: Backbone, prompt: Prompt, task: EncodedTask | None, options: MetricOptions
    ) -> NDArray[np.float32]:
        token_PF = prompt.prefix_LKNPH.movedim(3, 0).flatten(1).numpy()
        length_P1 = np.linalg.norm(token_PF, axis=1, keepdims=True)
        unit_PF: NDArray[np.float32] = (token_PF / np.maximum(length_P1, 1e-12)).astype(np.float32)
        return unit_PF

    def similarity(
        self, source: NDArray[np.float32] | None, target: NDArray[np.float32] | None, options: MetricOptions
    ) -> float:
        assert source is not None, "this metric has an embedding"
        assert target is not None, "this metric has an embedding"
        return float(np.clip((source * target).sum(axis=1).mean(), -1.0, 1.0))


TOKEN_COSINE = TokenCosine()
