"""cluster.yaml is what Ray's cluster launcher accepts, and avoids what it accepts but should not."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[3]

NODE_CONFIG_KEYS = {"InstanceType", "ImageId", "IamInstanceProfile", "BlockDeviceMappings", "InstanceMarketOptions"}
"""Keys of EC2's RunInstances that the file uses; Ray passes on a misspelt one without a word."""


@pytest.fixture
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    return loaded


def prepared(config: dict[str, Any]) -> dict[str, Any]:
    from ray.autoscaler._private.util import prepare_config, validate_config

    result: dict[str, Any] = prepare_config(copy.deepcopy(config))
    validate_config(result)
    return result


def test_ray_accepts_it(config: dict[str, Any]) -> None:
    nodes = prepared(config)["available_node_types"]
    assert nodes["a100_spot"]["resources"] == {"CPU": 96, "GPU": 8}
    assert nodes["a100_spot"]["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
    assert nodes["head"]["resources"] == {"CPU": 0}
    assert nodes["head"]["max_workers"] == 0


@pytest.mark.parametrize("path", [("max_wrokers",), ("available_node_types", "head", "resuorces")])
def test_ray_would_notice_a_misspelling(config: dict[str, Any], path: tuple[str, ...]) -> None:
    section = config
    for part in path[:-1]:
        section = section[part]
    section[path[-1]] = 1
    with pytest.raises(jsonschema.ValidationError):
        prepared(config)


def test_what_ray_does_not_check(config: dict[str, Any]) -> None:
    assert set(config["provider"]) == {"type", "region", "availability_zone", "cache_stopped_nodes"}
    zones = config["provider"]["availability_zone"].split(",")
    assert all(zone.startswith(config["provider"]["region"]) for zone in zones)
    for node in config["available_node_types"].values():
        assert set(node["node_config"]) <= NODE_CONFIG_KEYS
        assert node["node_config"]["IamInstanceProfile"] == {"Name": "panda-ray"}


def test_it_is_closed_to_the_world(config: dict[str, Any]) -> None:
    starts = [c for kind in ("head", "worker") for c in config[f"{kind}_start_ray_commands"] if "ray start" in c]
    assert len(starts) == 2
    assert all("RAY_AUTH_MODE=token" in command for command in starts)
    assert "--dashboard-host=127.0.0.1" in starts[0]
    assert "~/.ray/auth_token" in config["file_mounts"]
