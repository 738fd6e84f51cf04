"""The protocol of a transferability metric: an embedding per prompt, a similarity per pair of embeddings.

A metric that judges the pair itself, by the target's labelled rows, is a `PairMetric` instead, and one that
tries it a `TriedPairMetric`: what they keep is of a pair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from panda_ray.backbones.backbone import Backbone
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.tasks.encoded import EncodedTask


class MetricOptions(BaseModel):
    """Base of every metric's options: frozen, unknown names are errors. All of them enter the key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Metric(Protocol):
    """One transferability metric."""

    name: str
    version: int
    """Raise it when the numbers change: it enters the key."""
    summary: str
    """One line for `panda-ray metrics`."""
    needs_prompt: bool
    """Whether there is an embedding at all; the constant metric has none."""
    needs_data: bool
    """Whether the embedding is taken on examples of the task."""
    Options: type[MetricOptions]

    def embedding(
        self, backbone: Backbone, prompt: Prompt, task: EncodedTask | None, options: MetricOptions
    ) -> NDArray[np.float32]:
        """What the metric keeps of a prompt, as one array; computed once per prompt."""
        ...

    def similarity(
        self, source: NDArray[np.float32] | None, target: NDArray[np.float32] | None, options: MetricOptions
    ) -> float:
        """Predicted transferability of a pair, in [-1, 1]; compared once per pair."""
        ...
