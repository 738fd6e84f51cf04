"""Workers of several kinds that a sweep wants: Ray's own autoscaler against moto's EC2, which refuses one of them.

Machines that moto starts are none, so that nothing runs: what is seen is what a cloud is asked for.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError

from support.sweeps.small_sweeps import small_sweep

EC2 = "http://127.0.0.1:5056"
ADDRESS = "127.0.0.1:6379"
REGION = "us-east-1"
WORKERS = {
    "a100_spot": ("A100", "p4d.24xlarge"),
    "h100_spot": ("H100", "p5.48xlarge"),
    "t4": ("T4", "g4dn.xlarge"),
    "l4": ("L4", "g6.xlarge"),
}
"""Types of worker: the accelerator by which the cluster file labels them, and the machine; the first is refused."""
SAID = "You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket"
AWS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": EC2}
RAY = {
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_enable_autoscaler_v2": "1",
    "RAY_NODE_TYPE_NAME": "head",
    "RAY_raylet_start_wait_time_s": "60",
}


def client() -> Any:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client("ec2", region_name=REGION, endpoint_url=EC2, **keys)


@pytest.fixture(scope="module")
def cloud() -> Iterator[None]:
    command = [
        sys.executable,
        "-m",
        "support.servers.refusing_ec2",
        "5056",
        WORKERS["a100_spot"][1],
        "VcpuLimitExceeded",
        SAID,
    ]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while True:
        try:
            client().describe_subnets()
            break
        except BotoCoreError:
            assert time.monotonic() < end
            time.sleep(0.5)
    yield
    server.kill()
    server.wait()


def config(key: Path) -> dict[str, object]:
    """What `ray up` would have written for its head."""
    subnets = [subnet["SubnetId"] for subnet in client().describe_subnets()["Subnets"]][:2]
    node = {"ImageId": "ami-12345678", "SubnetIds": subnets, "KeyName": "key"}
    types = {
        "head": {"resources": {"CPU": 0}, "max_workers": 0, "node_config": {**node, "InstanceType": "m5.large"}},
        **{
            name: {
                "resources": {"CPU": 8, "GPU": 1},
                "labels": {"ray.io/accelerator-type": accelerator},
                "max_workers": 2,
                "node_config": {**node, "InstanceType": instance},
            }
            for name, (accelerator, instance) in WORKERS.items()
        },
    }
    commands = ("initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands")
    others = ("head_start_ray_commands", "worker_start_ray_commands", "cluster_synced_files")
    return {
        "cluster_name": "refused",
        "max_workers": 2,
        "provider": {"type": "aws", "region": REGION, "availability_zone": f"{REGION}a", "cache_stopped_nodes": False},
        "auth": {"ssh_user": "ubuntu", "ssh_private_key": str(key)},
        "available_node_types": types,
        "head_node_type": "head",
        "upscaling_speed": 1.0,
        "idle_timeout_minutes": 5,
        "docker": {},
        "file_mounts": {},
        "file_mounts_sync_continuously": False,
        **{name: [] for name in (*commands, *others, "rsync_exclude", "rsync_filter")},
    }


def head_instance() -> str:
    """The instance that this machine stands for."""
    tags = {"cluster-name": "refused", "node-type": "head", "node-status": "up-to-date", "user-node-type": "head"}
    listed = [{"Key": f"ray-{name}", "Value": value} for name, value in tags.items()]
    specified = [{"ResourceType": "instance", "Tags": listed}]
    kind = {"ImageId": "ami-12345678", "InstanceType": "m5.large"}
    started = client().run_instances(**kind, MinCount=1, MaxCount=1, TagSpecifications=specified)
    return str(started["Instances"][0]["InstanceId"])


@pytest.fixture(scope="module")
def environment(cloud: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("refused")
    (folder / "key").touch()
    (folder / "aws.yaml").write_text(json.dumps(config(folder / "key")))
    environment = os.environ | AWS | RAY | {"RAY_CLOUD_INSTANCE_ID": head_instance()}
    ray = str(Path(sys.executable).with_name("ray"))
    start = ("start", "--head", "--port=6379", "--num-cpus=0", "--node-ip-address=127.0.0.1")
    options = (f"--autoscaling-config={folder / 'aws.yaml'}", "--object-store-memory=100000000")
    subprocess.run([ray, *start, *options], env=environment, check=True, stdout=subprocess.DEVNULL)
    yield environment
    subprocess.run([ray, "stop", "--force"], env=environment, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def run(environment: dict[str, str], folder: Path, **resources: Any) -> Iterator[subprocess.Popen[str]]:
    """A sweep on the cluster, until the context ends."""
    (folder / "x.yaml").write_text(small_sweep(folder / "store", resources=resources).model_dump_json())
    command = [sys.executable, "-m", "panda_ray.cli", "run", "x.yaml", "--address", ADDRESS]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        process.stderr.read()
    assert process.returncode == 130


def started() -> set[str]:
    """Types of the machines that were started besides the head."""
    found = client().describe_instances()["Reservations"]
    return {each["InstanceType"] for group in found for each in group["Instances"]} - {"m5.large"}


TOO_SMALL = {"accelerator": "H100", "gpu_memory_gib": 0.001}


def test_a_run_says_at_once_what_the_cloud_refuses_and_why_and_asks_for_no_kind_that_is_too_small(
    environment: dict[str, str], tmp_path: Path
) -> None:
    wanted = f"the cloud starts no worker of type a100_spot: VcpuLimitExceeded, {SAID}"
    kinds = [{"accelerator": "A100", "gpu_memory_gib": 40}, TOO_SMALL]
    with run(environment, tmp_path, workers=kinds) as process:
        assert process.stderr is not None
        seen = []
        for line in process.stderr:
            seen.append(line)
            if "the cloud starts no worker" in line:
                break
        assert seen[-1].startswith(wanted), "".join(seen)
        assert "; ask the cloud for more of it" in seen[-1]
        assert not any("nothing has run for" in line for line in seen)
    assert started() == set()


def test_the_kind_on_which_stacks_end_first_is_asked_for_by_its_label_and_none_that_nobody_named(
    environment: dict[str, str], tmp_path: Path
) -> None:
    kinds = [{"accelerator": "T4", "gpu_memory_gib": 16}, {"accelerator": "A100", "gpu_memory_gib": 40, "speed": 0.1}]
    with run(environment, tmp_path, workers=[*kinds, TOO_SMALL]):
        end = time.monotonic() + 120
        while not started():
            assert time.monotonic() < end, "nothing was started"
            time.sleep(1)
    assert started() == {"g4dn.xlarge"}
