"""The second kind of metric: it judges a pair by the target's labelled rows, read with the source's prompt.

What it keeps of a pair is one number, its similarity. It has a direction: that of mnli for cb is not that of cb for
mnli.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from panda_ray.metrics.metric import MetricOptions

if TYPE_CHECKING:
    from panda_ray.backbones.backbone import Backbone
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.tasks.encoded import EncodedTask
    from panda_ray.tasks.task import TaskSpec

MOST_ROWS = 1000


class PairOptions(MetricOptions):
    """What every such metric reads of the target."""

    rows: int = Field(default=MOST_ROWS, ge=20, le=100_000)
    """Labelled rows (words for tagging, choices for multiple choice) of the training set at the most."""
    seed: int = Field(default=0, ge=0)
    """Chooses the rows; the same for every prompt, so that prompts differ and rows do not."""


class SourcePrompt(NamedTuple):
    """A source task and the prompt that was trained for it."""

    task: TaskSpec
    prompt: Prompt


class PairMetric(ABC):
    """A metric by what a source's prompt makes of the target's labelled rows."""

    name: str
    version: int
    summary: str
    needs_prompt = True
    needs_data = True
    judged = "every pair"
    """Which pairs the metric is defined for, in words."""
    Options: type[MetricOptions] = PairOptions

    def judges(self, source: TaskSpec, target: TaskSpec) -> bool:
        """Whether the metric is defined for such a pair; where it is not, the similarity is 0. Here: always."""
        return True

    def pairs(
        self, backbone: Backbone, sources: Sequence[SourcePrompt], task: EncodedTask, options: MetricOptions
    ) -> list[NDArray[np.float32]]:
        """What is kept of each source and the target, (1,).

        Args:
            sources: prompts of one length, and all with positions that start at it, or none.
            task: the target.
        """
        judged = [source for source in sources if self.judges(source.task, task.spec)]
        scores = iter(self.scores(backbone, judged, task, options) if judged else ())
        return [
            np.array([next(scores) if self.judges(source.task, task.spec) else 0.0], dtype=np.float32)
            for source in sources
        ]

    @abstractmethod
    def scores(
        self, backbone: Backbone, sources: Sequence[SourcePrompt], task: EncodedTask, options: MetricOptions
    ) -> list[float]:
        """How good each source is for the target, in [0, 1]; pairs of which the metric is not defined are left out."""

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
