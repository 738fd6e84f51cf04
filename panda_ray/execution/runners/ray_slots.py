"""What a cluster has room for, counted in stacks of one sweep."""

from __future__ import annotations

from collections.abc import Mapping

import ray
from ray._private.resource_and_label_spec import ResourceAndLabelSpec
from ray._private.state import available_resources_per_node

from panda_ray.errors import InputError
from panda_ray.execution.runners.ray_leaving.nodes import draining


def parallel_stacks(cpus: float, gpus: float) -> int:
    """How many stacks of this size the nodes that are up and stay can run at a time."""
    up = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    leaving = draining()
    return sum(_fitting(node["Resources"], cpus, gpus) for node in up if node["NodeID"] not in leaving)


def free_slots(cpus: float, gpus: float) -> int:
    """How many stacks of this size the nodes that stay have room for now; Ray may count one that died a moment ago."""
    nodes: dict[str, dict[str, float]] = available_resources_per_node()  # type: ignore[no-untyped-call]
    leaving = draining()
    return sum(_fitting(free, cpus, gpus) for node, free in nodes.items() if node not in leaving)


def check_resources(cpus: float, gpus: float) -> None:
    """Refuse a stack that a Ray on this machine could not hold, before it starts; it would wait for ever.

    Raises:
        InputError: with what there is.
    """
    there = _cluster() if ray.is_initialized() else _machine()
    if not _fitting(there, cpus, gpus):
        raise InputError(
            f"resources: a stack wants {cpus:g} CPUs and {gpus:g} GPUs (cpus_per_stack, gpus_per_stack), "
            f"but this machine has {there.get('CPU', 0):g} CPUs and {there.get('GPU', 0):g} GPUs"
        )


def _cluster() -> Mapping[str, float]:
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return resources


def _machine() -> Mapping[str, float]:
    """What a Ray that starts here would offer, by Ray's own count, which heeds `CUDA_VISIBLE_DEVICES`."""
    resources: dict[str, float] = ResourceAndLabelSpec().resolve(is_head=True).to_resource_dict()  # type: ignore[no-untyped-call]
    return resources


def _fitting(node: Mapping[str, float], cpus: float, gpus: float) -> int:
    return int(min(node.get("CPU", 0) / cpus, node.get("GPU", 0) / gpus if gpus else float("inf")))
