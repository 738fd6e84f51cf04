"""Nodes that go away or are gone, as Ray knows them: by their ids."""

from __future__ import annotations

from typing import Any

import ray
from ray._private.state import state as cluster_state
from ray.exceptions import RayError

from panda_ray.execution.work.host import plain_host

AWAY = (RayError, RuntimeError, ConnectionError)
"""What is raised while Ray's control service is away."""


def this_node() -> str:
    """The id of the node that this process runs on."""
    node: str = ray.get_runtime_context().get_node_id()
    return node


def draining() -> frozenset[str]:
    """Ids of the nodes that are going away; nothing starts on them."""
    return frozenset(cluster_state.get_draining_nodes())


def is_leaving(node: str) -> bool:
    """Whether a node is going away or gone."""
    return node in draining() or not is_up(node)


def is_up(node: str) -> bool:
    return any(each["Alive"] for each in _nodes() if each["NodeID"] == node)


def host_of(node: str) -> str:
    """The name of the machine that a node is, or was; its id where Ray does not know it."""
    return plain_host(next((each["NodeManagerHostname"] for each in _nodes() if each["NodeID"] == node), node))


def _nodes() -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return nodes
