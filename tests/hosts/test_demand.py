"""A cluster without workers grows by what a driver shows: real raylets, and an autoscaler that starts them here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.util.state import list_placement_groups

from support.processes.growing import TASKS

ADDRESS = "127.0.0.1:6379"
MOST = 3
STARTS = 3
"""A raylet whose agent has not written down its port in 15 s aborts, as on a busy machine."""
ENVIRONMENT = {
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_FAKE_CLUSTER": "1",
    "RAY_enable_autoscaler_v2": "0",  # the provider that starts nodes on this machine works with version 1
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "AUTOSCALER_HEARTBEAT_TIMEOUT_S": "120",
    "RAY_raylet_start_wait_time_s": "60",
}


def config() -> dict[str, object]:
    worker = {"resources": {"CPU": 1, "object_store_memory": 100_000_000}, "node_config": {}, "max_workers": MOST}
    head = {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0}
    empty = {"auth": {}, "docker": {}, "file_mounts": {}, "file_mounts_sync_continuously": False}
    bare = dict.fromkeys(("use_node_id_as_ip", "disable_node_updaters", "disable_launch_config_check"), True)
    none = ("initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands")
    neither = ("head_start_ray_commands", "worker_start_ray_commands", "cluster_synced_files")
    return {
        "cluster_name": "fake_multinode",
        "max_workers": MOST + 1,
        "provider": {"type": "fake_multinode", **bare},
        "available_node_types": {"ray.head.default": head, "worker": {"min_workers": 0, **worker}},
        "head_node_type": "ray.head.default",
        "upscaling_speed": 10.0,
        "idle_timeout_minutes": 0.2,
        **empty,
        **{name: [] for name in (*none, *neither, "rsync_exclude", "rsync_filter")},
    }


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Of whoever uses the cluster."""
    file = tmp_path_factory.mktemp("cluster") / "fake.yaml"
    file.write_text(json.dumps(config()))
    environment = os.environ | ENVIRONMENT
    ray = str(Path(sys.executable).with_name("ray"))
    start = ("start", "--head", "--port=6379", "--num-cpus=0", "--node-ip-address=127.0.0.1")
    options = (f"--autoscaling-config={file}", "--object-store-memory=100000000")
    stop = [ray, "stop", "--force"]
    for left in reversed(range(STARTS)):
        subprocess.run(stop, env=environment, check=True, stdout=subprocess.DEVNULL)
        started = subprocess.run([ray, *start, *options], env=environment, check=not left, stdout=subprocess.DEVNULL)
        if not started.returncode:
            break
    yield environment
    subprocess.run(stop, env=environment, check=True, stdout=subprocess.DEVNULL)


def driver(environment: dict[str, str], storage: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "support.processes.growing", str(storage)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def workers() -> int:
    found = GcsClient(address=ADDRESS).get_all_node_info()
    return sum(info.state == info.ALIVE and not info.is_head_node for info in found.values())


def eventually(happened: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(1)


def test_nodes_come_for_stacks_that_wait_for_their_shape_and_go_when_they_have_ended(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with driver(environment, tmp_path) as process:
        assert process.stdout is not None
        lines = [line.strip() for line in process.stdout if line.startswith(("started", "complete", "wanted"))]
    assert len(lines) == len(TASKS) + 2
    assert lines[-2:] == ["complete", "wanted 0"]
    assert f"started on one of {MOST}" in lines
    eventually(lambda: workers() == 0, seconds=300)


def test_a_killed_driver_leaves_no_demand(environment: dict[str, str], tmp_path: Path) -> None:
    with driver(environment, tmp_path) as process:
        eventually(lambda: "PENDING" in states(), seconds=300)
        process.kill()
    eventually(lambda: set(states()) <= {"REMOVED"}, seconds=120)
    eventually(lambda: workers() == 0, seconds=300)


def test_a_run_that_a_signal_ends_leaves_no_demand(environment: dict[str, str], tmp_path: Path) -> None:
    with driver(environment, tmp_path) as process:
        assert process.stdout is not None
        eventually(lambda: "PENDING" in states(), seconds=300)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().splitlines()[-1] == "wanted 0"


def states() -> list[str]:
    return [group.state for group in list_placement_groups(address=ADDRESS)]
