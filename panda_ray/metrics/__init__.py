"""Transferability metrics. To add one, write a file and add it to `METRICS` (`registry.py`)."""

from panda_ray.metrics.choice import MetricChoice
from panda_ray.metrics.first_epoch_pot import FirstEpochPoT
from panda_ray.metrics.metric import Metric, MetricOptions
from panda_ray.metrics.pairs.pair_metric import PairMetric
from panda_ray.metrics.registry import METRICS, get_metric

__all__ = ["METRICS", "FirstEpochPoT", "Metric", "MetricChoice", "MetricOptions", "PairMetric", "get_metric"]
