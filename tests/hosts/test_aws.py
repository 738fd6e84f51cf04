"""cluster.yaml on machines that moto makes, hosts at their addresses: up, grown by a demand, idle again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
import yaml

from testbed import Cluster, Host, Laptop, Testbed
from testbed.account import make_account
from testbed.bed import CHECKOUT
from testbed.sweeps import few_units

ENDPOINT = "http://10.77.0.1:5000"
CREDENTIALS = {
    "AWS_ENDPOINT_URL": ENDPOINT,
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
}
IMAGE = "resolve:ssm:/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"


@pytest.fixture(scope="module")
def account(testbed: Testbed) -> Iterator[None]:
    """An account with what clusters/aws_account.yaml makes, and a key."""
    server = subprocess.Popen(
        [Path(sys.executable).parent / "moto_server", "-H", "10.77.0.1", "-p", "5000"],
        env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
        stdout=(testbed.folder / "moto.log").open("w"),
        stderr=subprocess.STDOUT,
    )
    eventually(lambda: answers(f"{ENDPOINT}/moto-api/"), seconds=120)
    make_account(CHECKOUT / "clusters" / "aws_account.yaml", "sweeps-of-a-test", client("iam"), client("s3"))
    public = testbed.key.with_suffix(".pub").read_bytes()
    client("ec2").import_key_pair(KeyName="testbed", PublicKeyMaterial=public)
    yield
    server.kill()


@pytest.fixture(scope="module")
def hosts(testbed: Testbed) -> list[Host]:
    """Three that have the addresses of the first machines that moto makes."""
    testbed.add_address("172.31.0.1/16")
    hosts = testbed.start_hosts(3)
    for number, host in enumerate(hosts):
        host.add_address(f"172.31.0.{4 + number}/16")
    return hosts


def fit(testbed: Testbed) -> dict[str, Any]:
    """The file with its bucket, without what a test cannot have: GPUs, a public address, an image to install on."""
    text = (CHECKOUT / "cluster.yaml").read_text().replace("BUCKET", "sweeps-of-a-test")
    exports = " ".join(f"{name}={value}" for name, value in CREDENTIALS.items())
    here = "$(ip -brief address show eth0 | grep -o '172[.0-9]*')"
    text = text.replace("ulimit -n 65536; ", f"export {exports}; ").replace(
        "ulimit -n 65536;\n", f"export {exports};\n"
    )
    text = text.replace(
        "--disable-usage-stats", f"--disable-usage-stats --object-store-memory=100000000 --node-ip-address={here}"
    )
    config: dict[str, Any] = yaml.safe_load(text)
    config |= {"idle_timeout_minutes": 1, "max_workers": 2, "setup_commands": [], "head_setup_commands": []}
    config["provider"] |= {"use_internal_ips": True, "availability_zone": "us-east-1a"}
    config["auth"] = {"ssh_user": "root", "ssh_private_key": str(testbed.key)}
    config["file_mounts"] = {"~/.ray/auth_token": "~/.ray/auth_token"}
    for node in config["available_node_types"].values():
        node["node_config"]["KeyName"] = "testbed"
    config["available_node_types"]["a100_spot"] |= {"resources": {"CPU": 1, "GPU": 1}, "max_workers": 2}
    return config


@pytest.fixture(scope="module")
def cluster(testbed: Testbed, laptop: Laptop, account: None, hosts: list[Host]) -> Cluster:
    laptop.environment |= CREDENTIALS
    cluster = Cluster(testbed, laptop, hosts[:1], fit(testbed))
    cluster.up()
    return cluster


def client(service: str) -> Any:
    return boto3.client(
        service, endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


def machines(kind: str) -> list[dict[str, Any]]:
    """Those of the cluster that run."""
    wanted = [{"Name": "tag:ray-node-type", "Values": [kind]}, {"Name": "instance-state-name", "Values": ["running"]}]
    found = client("ec2").describe_instances(Filters=wanted)["Reservations"]
    return [machine for reservation in found for machine in reservation["Instances"]]


def test_ray_up_makes_one_head_and_no_worker(cluster: Cluster) -> None:
    (head,) = machines("head")
    assert (head["InstanceType"], head["ImageId"]) == ("m6i.2xlarge", IMAGE)
    assert head["IamInstanceProfile"]["Arn"].endswith("/panda-ray-head")
    assert "InstanceLifecycle" not in head
    assert machines("worker") == []


def test_only_ssh_is_open_to_the_world(cluster: Cluster) -> None:
    (head,) = machines("head")
    groups = [group["GroupId"] for group in head["SecurityGroups"]]
    rules = [
        rule
        for group in client("ec2").describe_security_groups(GroupIds=groups)["SecurityGroups"]
        for rule in group["IpPermissions"]
    ]
    assert [rule["FromPort"] for rule in rules if rule["IpRanges"]] == [22]


def test_a_sweeps_demand_brings_spot_workers(cluster: Cluster) -> None:
    cluster.start_job("few-1", few_units("few", "resources.gpus_per_stack=1"))
    eventually(lambda: machines("worker") != [], seconds=900)
    (worker, *_) = machines("worker")
    assert (worker["InstanceType"], worker["InstanceLifecycle"], worker["ImageId"]) == ("p4d.24xlarge", "spot", IMAGE)
    assert worker["IamInstanceProfile"]["Arn"].endswith("/panda-ray-worker")


def test_they_finish_the_sweep_into_the_bucket_and_go(cluster: Cluster) -> None:
    assert cluster.end_of_job("few-1", timeout=900) == "SUCCEEDED", cluster.log_of("few-1")
    kept = client("s3").list_objects_v2(Bucket="sweeps-of-a-test")["Contents"]
    assert any("sweeps/few/units/" in entry["Key"] for entry in kept)
    eventually(lambda: machines("worker") == [], seconds=900)
    assert len(machines("head")) == 1


def test_ray_down_ends_every_machine(cluster: Cluster) -> None:
    cluster.down()
    assert machines("head") == machines("worker") == []


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def eventually(happened: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(2)
