"""The package's own methods and metrics keep their contracts; a new one is tested by being registered."""

from __future__ import annotations

import pytest

from panda_ray.errors import InputError
from panda_ray.methods import METHODS, Method, get_method
from panda_ray.metrics import METRICS, Metric, PairMetric, TriedPairMetric, get_metric
from panda_ray.testing import AnyMetricContract, MethodContract, MetricContract


class TestMethods(MethodContract):
    @pytest.fixture(params=METHODS, ids=lambda method: method.name)
    def method(self, request: pytest.FixtureRequest) -> Method:
        return request.param


class TestMetricsOfPrompts(MetricContract):
    @pytest.fixture(
        params=[metric for metric in METRICS if not isinstance(metric, PairMetric | TriedPairMetric)],
        ids=lambda metric: metric.name,
    )
    def metric(self, request: pytest.FixtureRequest) -> Metric:
        return request.param


class TestMetricsThatTryAPair(AnyMetricContract):
    """A training is what they keep of a pair, which tests of their own look at."""

    @pytest.fixture(
        params=[metric for metric in METRICS if isinstance(metric, TriedPairMetric)], ids=lambda metric: metric.name
    )
    def metric(self, request: pytest.FixtureRequest) -> TriedPairMetric:
        return request.param


def test_names_are_unique() -> None:
    names = [plugin.name for plugin in (*METHODS, *METRICS)]
    assert len(names) == len(set(names))


def test_misspelt_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'panda'"):
        get_method("pand")
    with pytest.raises(InputError, match="did you mean 'e_avg'"):
        get_metric("eavg")
