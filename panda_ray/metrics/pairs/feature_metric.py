"""Pair metrics of features: how well what the backbone makes of the target's rows tells their labels.

Where a softmax compares the places of an example (choices, or the tokens where an answer may start), what they have in
common changes no output, so the mean of an example's places is taken off. Whether a choice is right can then be seen
without knowing the others.

Shape letters: S prompts, X labelled rows or tokens, D hidden size.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.metrics.metric import MetricOptions
from panda_ray.metrics.pairs.pair_features import Feature, read_labelled
from panda_ray.metrics.pairs.pair_metric import PairMetric, PairOptions, SourcePrompt

if TYPE_CHECKING:
    from panda_ray.backbones.backbone import Backbone
    from panda_ray.tasks.encoded import EncodedTask


class FeatureOptions(PairOptions):
    """What every such metric reads of the target."""

    feature: Feature = "pooler"
    """Of a row: what heads read, or the hidden state that it is made of. Where heads read tokens it is those."""


class FeatureMetric(PairMetric):
    """A metric by how well features tell the labels."""

    Options: type[MetricOptions] = FeatureOptions

    @abstractmethod
    def score(self, feature_XD: NDArray[np.float64], label_X: NDArray[Any], options: MetricOptions) -> float:
        """How well features tell labels, in [0, 1].

        Args:
            label_X: whole numbers for classes, at least two of them; floating-point ones for a regression.
        """

    def scores(
        self, backbone: Backbone, sources: Sequence[SourcePrompt], task: EncodedTask, options: MetricOptions
    ) -> list[float]:
        assert isinstance(options, FeatureOptions)
        read = read_labelled(backbone, [source.prompt for source in sources], task, options, options.feature)
        if read is None:
            return [0.0] * len(sources)
        feature_SXD, labelled = read
        if not task.spec.kind.has_head_bias:
            feature_SXD = without_means(feature_SXD, labelled.example_X)
        return [self.score(feature_XD.astype(np.float64), labelled.label_X, options) for feature_XD in feature_SXD]


def without_means(feature_SXD: NDArray[np.float32], example_X: NDArray[np.int64]) -> NDArray[np.float32]:
    """Features less the mean over the labelled places of their example."""
    centred_SXD = feature_SXD.copy()
    for example in np.unique(example_X):
        own_X = example_X == example
        centred_SXD[:, own_X] -= feature_SXD[:, own_X].mean(axis=1, keepdims=True)
    return centred_SXD
