"""What a cluster has room for, counted in stacks of one sweep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import ray
from ray._private.resource_and_label_spec import ResourceAndLabelSpec
from ray._private.state import available_resources_per_node

from panda_ray.errors import InputError
from panda_ray.execution.runners.ray_leaving.nodes import draining
from panda_ray.execution.runners.ray_supply.slot import Slot, slot_of, slots_of_kinds
from panda_ray.sweep import ResourceSection


def parallel_stacks(slot: Slot) -> int:
    """How many stacks of this size the nodes that are up and stay can run at a time."""
    return _holding(slot, _staying())


def parallel_stacks_of_kinds(resources: ResourceSection) -> dict[str, int]:
    """Likewise on each kind of worker."""
    nodes = _staying()
    return {kind: _holding(slot, nodes) for kind, slot in slots_of_kinds(resources).items()}


def _holding(slot: Slot, nodes: Iterable[Mapping[str, Any]]) -> int:
    return sum(slot.fitting(node["Resources"], node["Labels"]) for node in nodes)


def free_slots(slot: Slot) -> int:
    """How many stacks of this size the nodes that stay have room for now; Ray may count one that died a moment ago."""
    free: dict[str, dict[str, float]] = available_resources_per_node()  # type: ignore[no-untyped-call]
    leaving = draining()
    labels = {node["NodeID"]: node["Labels"] for node in _up()}
    return sum(slot.fitting(free[node], labels.get(node, {})) for node in free if node not in leaving)


def check_resources(resources: ResourceSection) -> list[str]:
    """Refuse a sweep whose stacks a Ray on this machine could not hold, before it starts; they would wait for ever.

    Returns:
        the kinds of worker that this machine is.

    Raises:
        InputError: with what there is.
    """
    there = _cluster() if ray.is_initialized() else [_machine()]
    kinds = [kind for kind, slot in slots_of_kinds(resources).items() if any(slot.fitting(*node) for node in there)]
    if kinds or (not resources.workers and any(slot_of(resources).fitting(*node) for node in there)):
        return kinds
    has = {name: sum(node[0].get(name, 0) for node in there) for name in ("CPU", "GPU")}
    raise InputError(
        f"resources: {_wanted(resources)}, but this machine has {has['CPU']:g} CPUs and {has['GPU']:g} GPUs"
    )


def _wanted(resources: ResourceSection) -> str:
    if not resources.workers:
        return (
            f"a stack wants {resources.cpus_per_stack:g} CPUs and {resources.gpus_per_stack:g} GPUs "
            "(cpus_per_stack, gpus_per_stack)"
        )
    slots = slots_of_kinds(resources).values()
    return "a stack wants " + " or ".join(
        f"{slot.cpus:g} CPUs and {slot.gpus:g} GPUs of {slot.accelerator}" for slot in slots
    )


def _up() -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node for node in nodes if node["Alive"]]


def _staying() -> list[dict[str, Any]]:
    leaving = draining()
    return [node for node in _up() if node["NodeID"] not in leaving]


def _cluster() -> list[tuple[Mapping[str, float], Mapping[str, str]]]:
    return [(node["Resources"], node["Labels"]) for node in _up()]


def _machine() -> tuple[Mapping[str, float], Mapping[str, str]]:
    """What a Ray that starts here would offer, by Ray's own count, which heeds `CUDA_VISIBLE_DEVICES`."""
    machine = ResourceAndLabelSpec().resolve(is_head=True)
    resources: dict[str, float] = machine.to_resource_dict()  # type: ignore[no-untyped-call]
    return resources, machine.labels or {}
