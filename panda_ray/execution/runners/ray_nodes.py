"""The nodes of a Ray cluster as they see themselves: asked by a small task on each, for which no CPU is reserved."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from panda_ray.execution.runners.ray_cluster import ray_cluster
from panda_ray.execution.work.workspace import Settings

_ONE_THREAD = Settings(data_root=None, backbone_paths=(), checkpoint_seconds=0.0, threads=1)

_ANSWER_SECONDS = 90.0
"""A worker process must start on each node, on busy ones slowly."""


@dataclass(frozen=True)
class Node:
    """One node that is up.

    Attributes:
        address: of the node in the cluster.
        resources: what Ray schedules on it.
        labels: by which Ray tells its nodes apart.
        said: what the question answered there, and `host`; None where no answer came.
        problem: why there was none.
        skew: seconds that its clock is ahead of the one here, but for half the way there and back.
    """

    address: str
    resources: Mapping[str, float]
    labels: Mapping[str, str]
    said: Mapping[str, Any] | None
    problem: str | None = None
    skew: float = 0.0


def ask_nodes(address: str, question: Callable[[], Mapping[str, Any]], folder: Path) -> list[Node]:
    """Ask every node that is up at the same time.

    Args:
        question: a function of a module, which each node must have installed.
        folder: for Ray's files.

    Raises:
        InputError: there is no such cluster, or this machine is no node of it.
    """
    with ray_cluster(address, _ONE_THREAD, folder):
        alive: list[dict[str, Any]] = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        remote = ray.remote(num_cpus=0, max_retries=0)(_ask)
        started = time.time()
        pending = [
            remote.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
                question
            )
            for node in alive
        ]
        ray.wait(pending, num_returns=len(pending), timeout=_ANSWER_SECONDS)
        return [_node(node, answer, started) for node, answer in zip(alive, pending, strict=True)]


def _ask(question: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    return {"host": socket.gethostname(), **question(), "time": time.time()}


def _node(node: Mapping[str, Any], answer: Any, started: float) -> Node:
    known = str(node["NodeManagerAddress"]), node["Resources"], node["Labels"]
    try:
        said = ray.get(answer, timeout=0)
    except ray.exceptions.GetTimeoutError:
        return Node(*known, None, f"no answer within {_ANSWER_SECONDS:.0f} s")
    except Exception as error:
        lines: Sequence[str] = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        return Node(*known, None, lines[-1].strip())
    # It was answered at some time since the question: only what lies outside of that is a clock's fault.
    ahead, behind = said["time"] - time.time(), started - said["time"]
    return Node(*known, said, skew=ahead if ahead > 0 else -max(behind, 0.0))
