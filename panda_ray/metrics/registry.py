"""Which transferability metrics there are. To add one, write a file and add it to `METRICS`."""

from __future__ import annotations

from panda_ray.metrics.constant import Constant
from panda_ray.metrics.first_epoch_pot import FirstEpochPoT
from panda_ray.metrics.metric import Metric
from panda_ray.metrics.neuron_overlap import NeuronOverlap
from panda_ray.metrics.pairs.h_score import HScore
from panda_ray.metrics.pairs.leep import LEEP
from panda_ray.metrics.pairs.logme import LogME
from panda_ray.metrics.pairs.nce import NCE
from panda_ray.metrics.pairs.nearest_neighbours import NearestNeighbours
from panda_ray.metrics.pairs.pair_metric import PairMetric
from panda_ray.metrics.prompt_cosine import PromptCosine
from panda_ray.metrics.task_embedding import TaskEmbedding
from panda_ray.metrics.tried_pairs import TriedPairMetric
from panda_ray.registry import Registry

AnyMetric = Metric | PairMetric | TriedPairMetric

METRICS: Registry[AnyMetric] = Registry(
    "metric",
    (
        TaskEmbedding(),
        PromptCosine(),
        NeuronOverlap(),
        LogME(),
        NearestNeighbours(),
        HScore(),
        LEEP(),
        NCE(),
        FirstEpochPoT(),
        Constant(),
    ),
)


def get_metric(name: str) -> AnyMetric:
    """The registered metric of that name.

    Raises:
        InputError: for an unknown name.
    """
    return METRICS.get(name)
