"""The package's own metrics that judge pairs keep their contract; a new one is tested by being registered."""

from __future__ import annotations

import pytest

from panda_ray.backbones import Backbone
from panda_ray.metrics import METRICS, PairMetric, get_metric
from panda_ray.metrics.pairs.feature_metric import FeatureMetric
from panda_ray.metrics.pairs.pair_metric import SourcePrompt
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.testing import FeatureMetricContract, PairMetricContract
from support.trained.heads import a_source
from support.trained.models import random_backbone
from support.trained.toys import KINDS, toy_task

JUDGES = [metric for metric in METRICS if isinstance(metric, PairMetric)]
OF_FEATURES = [metric for metric in JUDGES if isinstance(metric, FeatureMetric)]


class OnToys:
    """Quick ones, of every kind."""

    @pytest.fixture
    def backbone(self) -> Backbone:
        return random_backbone()

    @pytest.fixture(params=KINDS)
    def task(self, request: pytest.FixtureRequest) -> EncodedTask:
        return toy_task(request.param, train=60)

    @pytest.fixture
    def sources(self, task: EncodedTask) -> list[SourcePrompt]:
        """Whose heads label the same places as the heads of tasks of that kind read."""
        of = "tagging" if task.spec.kind.reads_tokens else "classification"
        return [a_source(of, task, seed) for seed in (1, 2, 3)]


class TestMetricsOfFeatures(OnToys, FeatureMetricContract):
    @pytest.fixture(params=OF_FEATURES, ids=lambda metric: metric.name)
    def metric(self, request: pytest.FixtureRequest) -> FeatureMetric:
        return request.param


class TestOtherPairMetrics(OnToys, PairMetricContract):
    @pytest.fixture(params=[metric for metric in JUDGES if metric not in OF_FEATURES], ids=lambda metric: metric.name)
    def metric(self, request: pytest.FixtureRequest) -> PairMetric:
        return request.param


class TestLogMEOnTheBuiltInSuite(FeatureMetricContract):
    """As a metric of another package is tested."""

    @pytest.fixture
    def metric(self) -> FeatureMetric:
        metric = get_metric("logme")
        assert isinstance(metric, FeatureMetric)
        return metric
