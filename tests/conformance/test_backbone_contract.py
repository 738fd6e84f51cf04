"""The package's own backbones keep their contract as far as their weights are here; a new one is tested, too."""

from __future__ import annotations

import pytest

from panda_ray.backbones import BACKBONES, BackboneSpec
from panda_ray.testing import BackboneContract


class TestBackbones(BackboneContract):
    @pytest.fixture(params=BACKBONES, ids=lambda spec: spec.name)
    def spec(self, request: pytest.FixtureRequest) -> BackboneSpec:
        return request.param
