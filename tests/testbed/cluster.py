"""A Ray cluster on hosts, by a true `ray up` of Ray's local provider from the laptop."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from testbed.bed import Testbed
from testbed.host import Host
from testbed.laptop import Laptop

_MEMORY = 150 * 2**20
"""Bytes of each node's object store: several share one machine."""

_NODES_SECONDS = 900

_STARTS = 3
"""A raylet whose agent has not written down its port in 15 s aborts, as on a busy machine, and with it `ray up`."""


class Cluster:
    """A head and its workers.

    Attributes:
        file: the cluster's YAML file, on the laptop.
        head, workers: the hosts.
    """

    def __init__(
        self,
        testbed: Testbed,
        laptop: Laptop,
        hosts: Sequence[Host],
        config: dict[str, Any] | None = None,
        **head_environment: str,
    ) -> None:
        """
        Args:
            hosts: the head, then the workers.
            config: what the file holds; None for a plain one, on hosts that have everything installed.
            head_environment: what jobs inherit with a plain one, such as PANDA_RAY_STORAGE.
        """
        self.head, *self.workers = hosts
        self.key = testbed.key
        self.laptop = laptop
        self.file = laptop.home / "cluster.yaml"
        self.file.write_text(yaml.safe_dump(config or _local_config(hosts, testbed.key, head_environment)))

    def up(self) -> None:
        """Start it; returns when all workers have joined."""
        for left in reversed(range(_STARTS)):
            if not self.laptop.run("ray", "up", "-y", str(self.file), check=not left, timeout=900).returncode:
                break
        end = time.monotonic() + _NODES_SECONDS
        while (alive := self.nodes_alive()) < 1 + len(self.workers):
            assert time.monotonic() < end, (
                f"{alive} of {1 + len(self.workers)} nodes: {self._ask('nodes?view=summary')}"
            )
            time.sleep(2)

    def down(self) -> None:
        """Stop it. `ray down` leaves the workers of a local cluster alone."""
        self.laptop.run("ray", "down", "-y", str(self.file))
        for worker in self.workers:
            if worker.alive:
                worker.run("ray", "stop", "--force")

    def nodes_alive(self) -> int:
        """How many nodes Ray counts."""
        nodes = self._ask("nodes?view=summary").get("data", {}).get("summary", [])
        return sum(node["raylet"].get("state") == "ALIVE" for node in nodes)

    def job(self, submission_id: str, entrypoint: str, timeout: float = 120) -> str:
        """Run a job to its end; returns its last state."""
        self.start_job(submission_id, entrypoint)
        return self.end_of_job(submission_id, timeout)

    def start_job(self, submission_id: str, entrypoint: str) -> None:
        """Start a job, by the Jobs API asked on the head itself."""
        body = json.dumps({"submission_id": submission_id, "entrypoint": entrypoint})
        started = self._ask("api/jobs/", "-H", "Content-Type: application/json", "-d", body)
        assert started.get("submission_id") == submission_id, started

    def end_of_job(self, submission_id: str, timeout: float) -> str:
        """Wait for the end of a job; returns its last state."""
        end = time.monotonic() + timeout
        while (state := str(self._ask(f"api/jobs/{submission_id}").get("status"))) not in (
            "SUCCEEDED",
            "FAILED",
            "STOPPED",
        ):
            assert time.monotonic() < end, f"{state}:\n{self.log_of(submission_id)}"
            time.sleep(2)
        return state

    def log_of(self, submission_id: str) -> str:
        """What a job wrote so far."""
        return str(self._ask(f"api/jobs/{submission_id}/logs").get("logs"))

    def _ask(self, path: str, *arguments: str) -> dict[str, Any]:
        """What the dashboard answers, empty where it does not."""
        bearer = ("-H", f"Authorization: Bearer {self.laptop.token}")
        url = f"http://127.0.0.1:8265/{path}"
        asked = self.head.run("curl", "-s", "-m", "30", *bearer, *arguments, url, check=False)
        return dict(json.loads(asked.stdout)) if asked.stdout.startswith("{") else {}

    def tunnel(self, *ports: int) -> subprocess.Popen[bytes]:
        """Bring ports of the head's loopback to the same ports here; the caller ends it."""
        forwards = [part for port in ports for part in ("-L", f"{port}:127.0.0.1:{port}")]
        return subprocess.Popen(["ssh", "-N", *ssh_options(self.key), *forwards, f"root@{self.head.address}"])


def ssh_options(key: Path) -> list[str]:
    """Of a stranger, whose known hosts are of no use to anybody."""
    options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ExitOnForwardFailure=yes")
    return ["-i", str(key), *(part for option in options for part in ("-o", option))]


def _local_config(hosts: Sequence[Host], key: Path, head_environment: dict[str, str]) -> dict[str, Any]:
    head, *workers = hosts
    # Version 2 of the autoscaler counts the head of a `local` cluster as a worker, and leaves a worker out.
    environment = {"RAY_AUTH_MODE": "token", "RAY_enable_autoscaler_v2": "0", **head_environment}
    exports = " ".join(f"{name}={value}" for name, value in environment.items())
    common = f"--object-store-memory={_MEMORY} --disable-usage-stats"
    return {
        "cluster_name": "testbed",
        "provider": {"type": "local", "head_ip": head.address, "worker_ips": [worker.address for worker in workers]},
        "auth": {"ssh_user": "root", "ssh_private_key": str(key)},
        "file_mounts": {"~/.ray/auth_token": "~/.ray/auth_token"},
        "head_start_ray_commands": [
            "ray stop",
            f"export {exports}; ray start --head --port=6379 --node-ip-address={head.address} --num-cpus=1"
            f" --dashboard-host=127.0.0.1 --autoscaling-config=~/ray_bootstrap_config.yaml {common}",
        ],
        "worker_start_ray_commands": [
            "ray stop",
            f"RAY_AUTH_MODE=token ray start --address={head.address}:6379 --num-cpus=2 {common}",
        ],
    }
