"""The second kind of metric: it judges a pair by the target's labelled rows, read with the source's prompt.

What it keeps of a pair is one number, its similarity. It has a direction: that of mnli for cb is not that of cb for
mnli.

Shape letters: X labelled rows or tokens, D hidden size.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from panda_ray.metrics.metric import MetricOptions
from panda_ray.metrics.pairs.pair_features import Feature, labelled_places, pair_features

if TYPE_CHECKING:
    from panda_ray.backbones.backbone import Backbone
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.tasks.encoded import EncodedTask

MOST_ROWS = 1000


class PairOptions(MetricOptions):
    """What every such metric reads of the target."""

    rows: int = Field(default=MOST_ROWS, ge=20, le=100_000)
    """Labelled rows (words for tagging, choices for multiple choice) of the training set at the most."""
    feature: Feature = "pooler"
    """Of a row: what heads read, or the hidden state that it is made of. Where heads read tokens it is those."""
    seed: int = Field(default=0, ge=0)
    """Chooses the rows; the same for every prompt, so that prompts differ and rows do not."""


class PairMetric(ABC):
    """A metric by how well features tell the labels."""

    name: str
    version: int
    summary: str
    needs_prompt = True
    needs_data = True
    Options: type[MetricOptions] = PairOptions

    @abstractmethod
    def score(self, feature_XD: NDArray[np.float64], label_X: NDArray[Any], options: MetricOptions) -> float:
        """How well features tell labels, in [0, 1].

        Args:
            label_X: whole numbers for classes, at least two of them; floating-point ones for a regression.
        """

    def pairs(
        self, backbone: Backbone, prompts: Sequence[Prompt], task: EncodedTask, options: MetricOptions
    ) -> list[NDArray[np.float32]]:
        """What is kept of each source prompt and the target, (1,)."""
        assert isinstance(options, PairOptions)
        example_B, labelled = labelled_places(task, options.rows, options.seed)
        if len(np.unique(labelled.label_X)) < 2:
            return [np.zeros(1, dtype=np.float32) for _ in prompts]
        feature_SXD = pair_features(backbone, prompts, task, example_B, labelled, options.feature)
        scores = [self.score(feature_XD.astype(np.float64), labelled.label_X, options) for feature_XD in feature_SXD]
        return [np.array([score], dtype=np.float32) for score in scores]

    def embedding(
        self, backbone: Backbone, prompt: Prompt, task: EncodedTask | None, options: MetricOptions
    ) -> NDArray[np.float32]:
        """What is kept of one source prompt and the target, whose rows `task` has."""
        assert task is not None, "this metric reads the target's rows"
        return self.pairs(backbone, [prompt], task, options)[0]

    def similarity(
        self, source: NDArray[np.float32] | None, target: NDArray[np.float32] | None, options: MetricOptions
    ) -> float:
        """The number that is kept of the pair.

        Args:
            source: it.
            target: None: nothing is kept of a target alone.
        """
        assert source is not None, "this metric has an embedding"
        return float(np.clip(source[0], 0.0, 1.0))


def is_number(label_X: NDArray[Any]) -> bool:
    """Whether labels are those of a regression."""
    return label_X.dtype.kind == "f"
