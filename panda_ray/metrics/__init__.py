"""Transferability metrics. To add one, write a file and add it to `METRICS` (`registry.py`)."""

from panda_ray.metrics.choice import MetricChoice
from panda_ray.metrics.metric import Metric, MetricOptions
from panda_ray.metrics.pairs.pair_metric import PairMetric
from panda_ray.metrics.registry import METRICS, get_metric
from panda_ray.metrics.tried_pairs import TriedPairMetric

__all__ = ["METRICS", "Metric", "MetricChoice", "MetricOptions", "PairMetric", "TriedPairMetric", "get_metric"]
