"""Cluster files are what Ray's launcher accepts, avoid what it accepts but should not, and say common things alike."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import jsonschema
import pytest
import yaml
from botocore.model import ListShape, MapShape, Shape, StructureShape

from panda_ray import __version__

ROOT = Path(__file__).parents[2]
AWS = ROOT / "cluster.yaml"
GCP = ROOT / "clusters" / "gcp.yaml"
FILES = {path.name: path for path in (AWS, GCP, ROOT / "clusters" / "on_premise.yaml")}

INVENTED = {"SubnetIds"}
"""Keys of `node_config` that Ray understands and EC2 does not."""


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


@pytest.fixture(params=FILES)
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    return load(FILES[request.param])


@pytest.fixture
def aws() -> dict[str, Any]:
    return load(AWS)


def prepared(config: dict[str, Any]) -> dict[str, Any]:
    from ray.autoscaler._private.util import prepare_config, validate_config

    result: dict[str, Any] = prepare_config(copy.deepcopy(config))
    validate_config(result)
    return result


def start_of(config: dict[str, Any], kind: str) -> str:
    """The command that starts Ray."""
    (command,) = (command for command in config[f"{kind}_start_ray_commands"] if "ray start" in command)
    return str(command)


def exports(command: str) -> dict[str, str]:
    (settings,) = re.findall(r"\bexport ([^;]*);", command)
    return dict(setting.split("=", 1) for setting in settings.split())


class TestEveryFile:
    def test_ray_accepts_it(self, config: dict[str, Any]) -> None:
        assert prepared(config)["max_workers"] >= 1

    def test_ray_would_notice_a_misspelling(self, config: dict[str, Any]) -> None:
        with pytest.raises(jsonschema.ValidationError):
            prepared(config | {"max_wrokers": 1})

    def test_what_opens_the_cluster_listens_on_loopback_and_every_node_asks_for_the_token(
        self, config: dict[str, Any]
    ) -> None:
        for kind in ("head", "worker"):
            assert exports(start_of(config, kind))["RAY_AUTH_MODE"] == "token"
        assert "--dashboard-host=127.0.0.1" in start_of(config, "head")
        assert "--ray-client-server-port" not in start_of(config, "head")

    def test_the_head_says_what_jobs_must_know_and_serves_mlflow_before_ray(self, config: dict[str, Any]) -> None:
        command = start_of(config, "head")
        assert exports(command)["PANDA_RAY_STORAGE"].endswith("/sweeps")
        assert exports(command)["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"
        assert re.search(r"panda-ray serve --artifacts \S+/mlflow && ray start --head", command)

    def test_workers_that_a_cloud_takes_back_listen_for_its_notice_once_ray_runs(self, config: dict[str, Any]) -> None:
        *_, start, last = config["worker_start_ray_commands"]
        listens = last.startswith("setsid --fork panda-ray drain-on-notice ")
        assert listens == (config["provider"]["type"] in ("aws", "gcp"))
        assert not listens or "ray start" in start

    def test_the_wheel_is_this_versions(self, config: dict[str, Any]) -> None:
        wheel = f"panda_ray-{__version__}-py3-none-any.whl"
        assert config["file_mounts"][f"~/{wheel}"] == f"dist/{wheel}"
        assert re.search(rf'"\$HOME/{re.escape(wheel)}\[train,(s3|gcp),cluster,search\]"', config["setup_commands"][-1])

    def test_uv_is_the_one_of_the_constraints(self, config: dict[str, Any]) -> None:
        pinned = re.search(r"^uv==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
        assert pinned
        assert any(f"astral.sh/uv/{pinned[1]}/install.sh" in command for command in config["setup_commands"])


def test_the_files_install_and_start_alike() -> None:
    """What differs is named here: the storage and what reads it, the region, the autoscaler; machines of one's own need
    more options."""
    texts = (
        path.read_text().replace("[train,gcp,cluster,search]", "[train,s3,cluster,search]") for path in FILES.values()
    )
    first, *others = map(yaml.safe_load, texts)
    own = {"PANDA_RAY_STORAGE", "AWS_DEFAULT_REGION", "RAY_enable_autoscaler_v2"}
    for other in others:
        for section in ("file_mounts", "setup_commands", "head_setup_commands"):
            assert first[section] == other[section], section
        for kind in ("head", "worker"):
            commands = start_of(first, kind), start_of(other, kind)
            shared = [{k: v for k, v in exports(command).items() if k not in own} for command in commands]
            assert shared[0] == shared[1]
            flags, its_flags = (set(command.partition("ray start ")[2].split()) for command in commands)
            assert flags <= its_flags


def test_only_what_must_be_filled_in_is_left_open() -> None:
    words = {name: re.findall(r"\b[A-Z]{4,}\b", yaml.safe_dump(load(path)["provider"])) for name, path in FILES.items()}
    assert words == {"cluster.yaml": [], "gcp.yaml": ["PROJECT"], "on_premise.yaml": ["HEAD", "WORKER"]}
    assert [yaml.safe_dump(load(path)).count("BUCKET") for path in FILES.values()] == [1, 0, 0]
    assert all(path.read_text().count("FILL IN") == 1 for path in FILES.values())


class TestAws:
    def test_workers_are_spot_machines_that_come_with_the_work(self, aws: dict[str, Any]) -> None:
        nodes = prepared(aws)["available_node_types"]
        worker, head = nodes["a100_spot"], nodes["head"]
        assert (worker["min_workers"], worker["resources"]) == (0, {"CPU": 96, "GPU": 8})
        assert (head["max_workers"], head["resources"]) == (0, {"CPU": 0})
        assert "InstanceMarketOptions" not in head["node_config"]

    def test_its_cost_has_a_bound(self, aws: dict[str, Any]) -> None:
        worker = aws["available_node_types"]["a100_spot"]
        market = worker["node_config"]["InstanceMarketOptions"]
        assert market["MarketType"] == "spot"
        assert 0 < float(market["SpotOptions"]["MaxPrice"]) <= 20
        assert aws["max_workers"] == worker["max_workers"] == 4
        assert aws["idle_timeout_minutes"] <= 30

    def test_ec2_knows_every_key_of_its_machines(self, aws: dict[str, Any]) -> None:
        run_instances = botocore.session.get_session().get_service_model("ec2").operation_model("RunInstances")
        for node in aws["available_node_types"].values():
            assert list(unknown_keys(node["node_config"], run_instances.input_shape)) == []

    def test_a_misspelt_key_of_ec2_would_be_noticed(self, aws: dict[str, Any]) -> None:
        run_instances = botocore.session.get_session().get_service_model("ec2").operation_model("RunInstances")
        node = aws["available_node_types"]["a100_spot"]["node_config"]
        node["BlockDeviceMappings"][0]["Ebs"]["VolumeSise"] = 1
        assert list(unknown_keys(node, run_instances.input_shape)) == ["VolumeSise"]

    def test_its_region_is_said_three_times_alike(self, aws: dict[str, Any]) -> None:
        region = aws["provider"]["region"]
        assert all(zone[:-1] == region for zone in aws["provider"]["availability_zone"].split(","))
        assert {exports(start_of(aws, kind))["AWS_DEFAULT_REGION"] for kind in ("head", "worker")} == {region}

    def test_its_profiles_are_those_that_the_account_file_makes(self, aws: dict[str, Any]) -> None:
        text = (ROOT / "clusters" / "aws_account.yaml").read_text()
        for kind, node in (("head", "head"), ("worker", "a100_spot")):
            name = aws["available_node_types"][node]["node_config"]["IamInstanceProfile"]["Name"]
            assert name == f"panda-ray-{kind}"
            assert f"InstanceProfileName: {name}," in text

    def test_ray_leaves_the_image_to_ec2(self, aws: dict[str, Any]) -> None:
        from ray.autoscaler._private.aws.config import _check_ami

        before = {name: node["node_config"]["ImageId"] for name, node in aws["available_node_types"].items()}
        _check_ami(aws)
        assert {name: node["node_config"]["ImageId"] for name, node in aws["available_node_types"].items()} == before
        assert all(image.startswith("resolve:ssm:/aws/service/") for image in before.values())


def unknown_keys(value: Any, shape: Shape | None) -> Iterator[str]:
    """Keys that a request of botocore does not have."""
    if isinstance(shape, StructureShape):
        for key, part in value.items():
            if key in shape.members:
                yield from unknown_keys(part, shape.members[key])
            elif key not in INVENTED:
                yield key
    elif isinstance(shape, ListShape):
        for part in value:
            yield from unknown_keys(part, shape.member)
    elif isinstance(shape, MapShape):
        for part in value.values():
            yield from unknown_keys(part, shape.value)
