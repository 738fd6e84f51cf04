"""The package's own backbones keep their contract: those whose weights are here all of it, others what needs none."""

from __future__ import annotations

import pytest

from panda_ray.backbones import BACKBONES, BackboneSpec
from panda_ray.backbones.registry import local_folder
from panda_ray.testing import BackboneContract

HERE = [spec for spec in BACKBONES if local_folder(spec.name, None) is not None]


class TestBackbones(BackboneContract):
    @pytest.fixture(params=HERE, ids=lambda spec: spec.name)
    def spec(self, request: pytest.FixtureRequest) -> BackboneSpec:
        return request.param


@pytest.mark.parametrize("spec", [spec for spec in BACKBONES if spec not in HERE], ids=lambda spec: spec.name)
def test_a_backbone_of_the_hub_is_found_by_its_name_and_at_a_commit(spec: BackboneSpec) -> None:
    contract = BackboneContract()
    contract.test_it_is_found_by_its_name(spec)
    contract.test_its_origin_is_a_repository_at_a_commit_or_at_its_head(spec)
