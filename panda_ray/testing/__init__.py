"""Contract tests of plug-ins, for pytest: what this package's own are held to.

A plug-in is tested by a class that inherits its contract and says in a fixture what is tested:

    from panda_ray.testing import MethodContract

    class TestMine(MethodContract):
        @pytest.fixture
        def method(self) -> Method:
            return MINE

Needs pytest and the extra `train`. What a contract is tried on is the built-in suite on the backbone that comes with
the package; fixtures may be overridden to try it on something else.
"""

import pytest

for _module in ("backbone", "encoder", "method", "metric", "pair_metric", "task"):
    pytest.register_assert_rewrite(f"{__name__}.{_module}_contract")

from panda_ray.testing.backbone_contract import BackboneContract  # noqa: E402  after its asserts may be rewritten
from panda_ray.testing.encoder_contract import EncoderContract  # noqa: E402
from panda_ray.testing.method_contract import MethodContract  # noqa: E402
from panda_ray.testing.metric_contract import AnyMetricContract, MetricContract  # noqa: E402
from panda_ray.testing.pair_metric_contract import FeatureMetricContract, PairMetricContract  # noqa: E402
from panda_ray.testing.task_contract import TaskContract  # noqa: E402

__all__ = [
    "AnyMetricContract",
    "BackboneContract",
    "EncoderContract",
    "FeatureMetricContract",
    "MethodContract",
    "MetricContract",
    "PairMetricContract",
    "TaskContract",
]
