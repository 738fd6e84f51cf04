"""How much of a GPU's memory one stack may take."""

from __future__ import annotations

from panda_ray.execution.costs.memory.gpus import gpus
from panda_ray.sweep import ResourceSection

GIB, _MIB = 1 << 30, 1 << 20


def room_of(resources: ResourceSection) -> float | None:
    """Bytes that one stack may take of its GPU: of that which the sweep describes, or else of this machine's smallest.

    None where there is neither, and for stacks on CPUs of a sweep that says nothing.
    """
    share = min(1.0, resources.gpus_per_stack or 1.0)
    if resources.gpu_memory_gib is not None:
        return resources.gpu_memory_gib * GIB * share
    if not resources.gpus_per_stack:
        return None
    smallest = min((gpu.memory_mib for gpu in gpus()), default=None)
    return None if smallest is None else smallest * _MIB * share
