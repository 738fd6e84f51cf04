"""Pair metrics of heads: what the source's own head says of the target's rows, against their labels.

The head was stored with the prompt. With both, every labelled place of the target gets probabilities of the *source's*
labels, and the better these tell the target's labels, the better the source. That is defined where the head reads what
the target labels (rows or words) and names labels there (classification, ranking of candidates, tagging; not a number,
and not a choice of places), and where the target's labels are no numbers. Of a multiple choice, the choices are rows
that are right or wrong; of an extractive QA, tokens that begin an answer or do not.

Scaling: what both metrics measure lies between -H(Y), the labels' entropy, where the source's labels say nothing, and
0. One plus it by H(Y) is the share of the entropy that they explain, in [0, 1].

Shape letters: S sources, X labelled rows or tokens, D hidden size, C labels of the source, Y labels of the target.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from panda_ray.metrics.metric import MetricOptions
from panda_ray.metrics.pairs.pair_features import read_labelled
from panda_ray.metrics.pairs.pair_metric import PairMetric, PairOptions, SourcePrompt
from panda_ray.tasks.kinds.kind import softmax

if TYPE_CHECKING:
    from panda_ray.backbones.backbone import Backbone
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.tasks.encoded import EncodedTask
    from panda_ray.tasks.task import TaskSpec


class HeadMetric(PairMetric):
    """A metric by how well a source's labels tell the target's."""

    judged = (
        "sources whose head names labels of what the target labels (texts or words), and no labels that are numbers"
    )

    def judges(self, source: TaskSpec, target: TaskSpec) -> bool:
        if not source.kind.head_names_labels or np.issubdtype(target.kind.label_type, np.floating):
            return False
        return source.kind.reads_tokens == target.kind.reads_tokens

    @abstractmethod
    def log_likelihood(self, share_XC: NDArray[np.float64], label_XY: NDArray[np.float64]) -> float:
        """What the published metric is: a mean log likelihood of labels, in nats, at least -H(Y).

        Args:
            share_XC: probabilities of the source's labels.
            label_XY: 1 for the label of each row, else 0; every column has a 1.
        """

    def score(self, share_XC: NDArray[np.float64], label_X: NDArray[np.int64]) -> float:
        """How well the source's labels tell the target's, of which there are at least two, in [0, 1]."""
        label_XY = (label_X[:, None] == np.unique(label_X)).astype(np.float64)
        frequency_Y = label_XY.mean(axis=0)
        entropy = -float(np.sum(frequency_Y * np.log(frequency_Y)))
        return float(np.clip(1 + self.log_likelihood(share_XC, label_XY) / entropy, 0.0, 1.0))

    def scores(
        self, backbone: Backbone, sources: Sequence[SourcePrompt], task: EncodedTask, options: MetricOptions
    ) -> list[float]:
        assert isinstance(options, PairOptions)
        prompts = [source.prompt for source in sources]
        read = read_labelled(backbone, prompts, task, options, "pooler")
        if read is None:
            return [0.0] * len(sources)
        feature_SXD, labelled = read
        return [
            self.score(head_shares(prompt, feature_XD), labelled.label_X)
            for prompt, feature_XD in zip(prompts, feature_SXD, strict=True)
        ]


def head_shares(prompt: Prompt, feature_XD: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities (X, C) that the head which was trained with a prompt gives to its labels."""
    return softmax(feature_XD @ prompt.head_weight_CD.numpy().T + prompt.head_bias_C.numpy())
