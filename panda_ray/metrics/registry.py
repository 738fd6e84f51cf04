"""Which transferability metrics there are. To add one, write a file and add it to `METRICS`."""

from __future__ import annotations

from panda_ray.errors import unknown_name
from panda_ray.metrics.constant import Constant
from panda_ray.metrics.metric import Metric
from panda_ray.metrics.neuron_overlap import NeuronOverlap
from panda_ray.metrics.prompt_cosine import PromptCosine
from panda_ray.metrics.task_embedding import TaskEmbedding

METRICS: tuple[Metric, ...] = (TaskEmbedding(), PromptCosine(), NeuronOverlap(), Constant())


def get_metric(name: str) -> Metric:
    """The registered metric of that name.

    Raises:
        InputError: for an unknown name.
    """
    for metric in METRICS:
        if metric.name == name:
            return metric
    raise unknown_name("metric", name, [metric.name for metric in METRICS])
