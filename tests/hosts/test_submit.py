"""A sweep on three hosts from a laptop that has a cluster file and a token: submitted, left, found again, stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.sweeps.small_sweeps import SMALL
from testbed import Cluster, Laptop, Testbed

SECONDS = 420


@pytest.fixture(scope="module")
def cluster(testbed: Testbed, laptop: Laptop) -> Cluster:
    hosts = testbed.start_hosts(3)
    storage = {"PANDA_RAY_STORAGE": str(testbed.share), "RAY_JOB_STOP_WAIT_TIME_S": "120"}
    cluster = Cluster(testbed, laptop, hosts, **storage)
    cluster.up()
    return cluster


def asked(laptop: Laptop, *words: str) -> dict[str, Any]:
    """The JSON of a command on the laptop about the cluster of its file."""
    ended = laptop.run("panda-ray", *words, "--cluster", "cluster.yaml", "--json", timeout=SECONDS)
    return dict(json.loads(ended.stdout))


def state(laptop: Laptop, name: str) -> str:
    (found,) = (sweep["state"] for sweep in asked(laptop, "jobs")["sweeps"] if sweep["sweep"] == name)
    return str(found)


def described(laptop: Laptop, name: str, epochs: int) -> str:
    sweep = {
        "name": name,
        "storage": f"runs/{name}",
        "backbones": ["builtin-tiny"],
        "sources": ["review", "kinds"],
        "targets": ["remark"],
        "methods": ["pot"],
        "seeds": [1],
        "training": {"epochs": epochs, "prompt_len": 4, "batch_size": 16},
        "tasks": dict.fromkeys(("review", "kinds", "remark"), SMALL),
        "resources": {"checkpoint_seconds": 1},
    }
    (laptop.home / f"{name}.yaml").write_text(json.dumps(sweep))
    return f"{name}.yaml"


def test_a_sweep_goes_on_while_the_laptop_is_away(testbed: Testbed, laptop: Laptop, cluster: Cluster) -> None:
    file = described(laptop, "short", 2)
    ended = laptop.run("panda-ray", "submit", file, "--yes", "--cluster", "cluster.yaml", timeout=SECONDS)
    assert "started short-1." in ended.stdout
    # Nothing of the laptop is left but time.
    assert not laptop.run("pgrep", "-f", "ssh -N", check=False).stdout
    deadline = time.monotonic() + SECONDS
    while (now := state(laptop, "short")) != "done":
        assert now in ("pending", "running"), asked(laptop, "logs", "short")["log"]
        assert time.monotonic() < deadline
    log = asked(laptop, "logs", "short")["log"]
    assert "2 of 2 cells done, 4 new results" in log
    assert Path(testbed.share, "short", "reports").is_dir()


def workers(cluster: Cluster) -> list[str]:
    """On which hosts stacks are trained, or could be at once."""
    hosts = (cluster.head, *cluster.workers)
    return [host.name for host in hosts if "ray::ImplicitFunc" in host.run("ps", "-eo", "args").stdout]


def eventually(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(1)


def test_a_sweep_is_paused_resumed_and_cancelled_and_leaves_no_worker_behind(
    testbed: Testbed, laptop: Laptop, cluster: Cluster
) -> None:
    file = described(laptop, "long", 20_000)
    saved = Path(testbed.share, "long", "checkpoints")
    laptop.run("panda-ray", "submit", file, "--yes", "--cluster", "cluster.yaml", timeout=SECONDS)
    eventually(lambda: any(saved.glob("*")))
    assert workers(cluster)

    def stop(command: str, becomes: str) -> int:
        """Returns when the last of what is saved was (in nanoseconds)."""
        asked(laptop, command, "long")
        assert state(laptop, "long") == becomes
        eventually(lambda: not workers(cluster))
        return last()

    def last() -> int:
        return max(path.stat().st_mtime_ns for path in saved.glob("*"))

    paused_at = stop("pause", "paused")
    asked(laptop, "resume", "long")
    eventually(lambda: last() > paused_at)
    assert state(laptop, "long") == "running"
    assert stop("cancel", "cancelled") > paused_at
