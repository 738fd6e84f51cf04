"""clusters/on_premise.yaml, from bare hosts to a finished sweep, with what a user fills in and little else."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed import Cluster, Host, Laptop, Testbed
from testbed.bed import CHECKOUT, PATIENT
from testbed.sweeps import few_units

CACHE = CHECKOUT / ".testbed" / "uv"
VENV_BIN = Path(sys.executable).parent

pytestmark = pytest.mark.skipif(
    not (CACHE.is_dir() and list((CHECKOUT / "dist").glob("*.whl"))),
    reason="nothing for bare hosts to install: make cluster-test",
)

IMAGE = (
    PATIENT + f"export UV_OFFLINE=1 UV_CACHE_DIR={CACHE} UV_FIND_LINKS={os.environ.get('UV_FIND_LINKS', '')}\n"
    f"export UV_LINK_MODE=symlink PYTHONPYCACHEPREFIX={CACHE.with_name('bytecode')}\n"
    "export PATH=$PATH:$HOME/image\n"
)
"""The profile of hosts with uv and a Python, as an image may have them, and an index that is a folder. What one host
compiled, the next one need not."""


def filled_in(testbed: Testbed, hosts: list[Host]) -> dict[str, Any]:
    """The file with its two values, and with less memory and this Python: there are no wheels for another."""
    text = (CHECKOUT / "clusters" / "on_premise.yaml").read_text()
    python = f"--python {sys.version_info.major}.{sys.version_info.minor} "
    text = text.replace("--python 3.12 ", python).replace("/mnt/panda", str(testbed.share))
    text = text.replace("--disable-usage-stats", "--disable-usage-stats --object-store-memory=150000000")
    config: dict[str, Any] = yaml.safe_load(text)
    head, *workers = hosts
    config["provider"] |= {"head_ip": head.address, "worker_ips": [worker.address for worker in workers]}
    config["auth"] = {"ssh_user": "root", "ssh_private_key": str(testbed.key)}
    mounts = config["file_mounts"].items()
    config["file_mounts"] = {there: here if here.startswith("~") else str(CHECKOUT / here) for there, here in mounts}
    return config


@pytest.fixture(scope="module")
def cluster(testbed: Testbed, laptop: Laptop) -> Iterator[Cluster]:
    hosts = testbed.start_hosts(2, IMAGE)
    for host in hosts:
        (host.home / "image").mkdir()
        (host.home / "image" / "uv").symlink_to(VENV_BIN / "uv")
    cluster = Cluster(testbed, laptop, hosts, filled_in(testbed, hosts))
    cluster.up()
    yield cluster
    cluster.down()


def test_the_project_is_installed_on_every_host_by_the_file_alone(cluster: Cluster) -> None:
    for host in (cluster.head, *cluster.workers):
        where = "import panda_ray, torch, sys; print(panda_ray.__file__, sys.prefix)"
        module, prefix = host.run("python", "-c", where).stdout.split()
        assert module.startswith("/root/venv/lib/")
        assert prefix == "/root/venv"


def test_a_job_runs_a_sweep_on_the_workers_into_the_storage_and_mlflow_of_the_cluster(
    cluster: Cluster, laptop: Laptop, testbed: Testbed
) -> None:
    assert cluster.job("few-1", few_units("few"), timeout=900) == "SUCCEEDED", cluster.log_of("few-1")
    done = [json.loads(path.read_text()) for path in (testbed.share / "sweeps" / "few").rglob("record.*json")]
    assert done
    runs = cluster.head.run(
        "python",
        "-c",
        "from mlflow import MlflowClient; c = MlflowClient('http://127.0.0.1:5000');"
        "print(len(c.search_runs([e.experiment_id for e in c.search_experiments()], \"tags.key != ''\")))",
    )
    assert int(runs.stdout) == len(done)


def test_a_neighbour_without_a_token_reaches_ssh_and_is_refused_by_ray(cluster: Cluster, testbed: Testbed) -> None:
    (neighbour,) = testbed.start_hosts(1)
    for port in (5000, 8265):
        assert not answers(neighbour, cluster.head, port)
    assert answers(neighbour, cluster.head, 22)
    ask = f"import ray; ray.init('{cluster.head.address}:6379', _node_ip_address='{neighbour.address}')"
    # Ray's client does not give up by itself.
    client = ("timeout", "60", "env", "RAY_AUTH_MODE=disabled", "python", "-c", ask)
    refused = neighbour.run(*client, check=False)
    assert refused.returncode
    assert "InvalidAuthToken" in refused.stderr


def answers(here: Host, there: Host, port: int) -> bool:
    connect = f"import socket; socket.create_connection(('{there.address}', {port}), timeout=5)"
    return here.run("python", "-c", connect, check=False).returncode == 0


def test_ray_up_again_brings_a_lost_head_back_with_its_runs(cluster: Cluster, laptop: Laptop) -> None:
    ask = ("curl", "-s", "-m", "20", "http://127.0.0.1:5000/ajax-api/2.0/mlflow/experiments/search?max_results=9")
    before = cluster.head.run(*ask).stdout
    cluster.head.kill()
    time.sleep(1)
    cluster.head.start()
    cluster.up()
    assert "few" in before or "quickstart" in before
    assert cluster.head.run(*ask).stdout == before
