"""clusters/gcp.yaml is what Ray's cluster launcher accepts, and what Google's API knows of the rest."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from panda_ray.clusters.cluster_file import read_cluster_file

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "clusters" / "gcp.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """Of Compute Engine's API, as its Python client ships them."""
    googleapiclient = pytest.importorskip("googleapiclient")
    documents = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    found: dict[str, Any] = json.loads((documents / "compute.v1.json").read_text())["schemas"]
    return found


def prepared(config: dict[str, Any]) -> dict[str, Any]:
    from ray.autoscaler._private.util import prepare_config, validate_config

    result: dict[str, Any] = prepare_config(copy.deepcopy(config))
    validate_config(result)
    return result


def problems(value: Any, schema: dict[str, Any], schemas: dict[str, Any], path: str) -> list[str]:
    """What of a value the API does not know: keys, types and words."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if "properties" in schema:
        if not isinstance(value, dict):
            return [f"{path}: no mapping"]
        unknown = [f"{path}.{key}" for key in value.keys() - schema["properties"].keys()]
        known = value.keys() & schema["properties"].keys()
        return unknown + [
            found
            for key in known
            for found in problems(value[key], schema["properties"][key], schemas, f"{path}.{key}")
        ]
    if schema["type"] == "array":
        return [found for part in value for found in problems(part, schema["items"], schemas, f"{path}[]")]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path}: {value} is none of {schema['enum']}"]
    types = {"boolean": bool, "integer": int, "string": (str, int)}  # int64 is a string in this API
    return [] if isinstance(value, types[schema["type"]]) else [f"{path}: {value!r} is no {schema['type']}"]


def test_ray_accepts_it(config: dict[str, Any]) -> None:
    nodes = prepared(config)["available_node_types"]
    assert nodes["a100_spot"]["resources"] == {"CPU": 96, "GPU": 8}
    assert nodes["a100_spot"]["min_workers"] == 0
    assert nodes["head"]["resources"] == {"CPU": 0}
    assert nodes["head"]["max_workers"] == 0


def test_ray_would_notice_a_misspelling(config: dict[str, Any]) -> None:
    config["available_node_types"]["head"]["resuorces"] = {}
    with pytest.raises(jsonschema.ValidationError):
        prepared(config)


def test_google_knows_every_key_of_an_instance(config: dict[str, Any], schemas: dict[str, Any]) -> None:
    for name, node in config["available_node_types"].items():
        assert problems(node["node_config"], schemas["Instance"], schemas, name) == []


def test_google_would_not_know_a_misspelling(config: dict[str, Any], schemas: dict[str, Any]) -> None:
    instance = config["available_node_types"]["a100_spot"]["node_config"]
    instance["scheduling"]["provisioningModell"] = instance["scheduling"].pop("provisioningModel")
    instance["scheduling"]["instanceTerminationAction"] = "REMOVE"
    instance["disks"][0]["boot"] = "yes"
    found = problems(instance, schemas["Instance"], schemas, "worker")
    assert {text.partition(":")[0] for text in found} == {
        "worker.scheduling.provisioningModell",
        "worker.scheduling.instanceTerminationAction",
        "worker.disks[].boot",
    }


def test_what_neither_checks(config: dict[str, Any]) -> None:
    assert set(config["provider"]) == {"type", "project_id", "region", "availability_zone"}
    assert config["provider"]["availability_zone"].startswith(config["provider"]["region"])
    head, worker = (config["available_node_types"][name]["node_config"] for name in ("head", "a100_spot"))
    assert "scheduling" not in head, "the head is on demand"
    assert worker["scheduling"]["provisioningModel"] == "SPOT"
    assert worker["scheduling"]["onHostMaintenance"] == "TERMINATE"  # machines with GPUs cannot be moved
    assert worker["serviceAccounts"][0]["email"].startswith("ray-autoscaler-sa-v1@")  # the one that Ray makes


def test_what_may_be_spent_is_bounded(config: dict[str, Any]) -> None:
    worker = config["available_node_types"]["a100_spot"]
    assert config["max_workers"] == worker["max_workers"] <= 8
    assert worker["node_config"]["scheduling"]["maxRunDuration"]["seconds"] <= 86400
    assert worker["node_config"]["scheduling"]["instanceTerminationAction"] == "DELETE"
    assert config["idle_timeout_minutes"] <= 15


def test_the_project_is_the_one_value_to_fill_in(config: dict[str, Any]) -> None:
    assert config["provider"]["project_id"] == "PROJECT"


def test_its_head_can_be_looked_for() -> None:
    file = read_cluster_file(str(ROOT / "clusters" / "gcp.yaml"))
    assert (file.kind, file.name, file.user) == ("gcp", "panda-ray", "ubuntu")
