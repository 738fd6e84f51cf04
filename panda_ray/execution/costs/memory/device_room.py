"""How much of its GPUs' memory one stack may take."""

from __future__ import annotations

from dataclasses import dataclass

from panda_ray.execution.costs.memory.gpus import gpus
from panda_ray.sweep import ResourceSection

GIB, _MIB = 1 << 30, 1 << 20


@dataclass(frozen=True)
class Room:
    """What a stack has: so many GPUs, and so many bytes of each."""

    bytes: float
    gpus: int = 1


def room_of(resources: ResourceSection) -> Room | None:
    """That of GPUs as the sweep describes them, or else as this machine's smallest is.

    None where there is neither, and for stacks on CPUs of a sweep that says nothing.
    """
    share, count = min(1.0, resources.gpus_per_stack or 1.0), max(1, int(resources.gpus_per_stack))
    if resources.gpu_memory_gib is not None:
        return Room(resources.gpu_memory_gib * GIB * share, count)
    if not resources.gpus_per_stack:
        return None
    smallest = min((gpu.memory_mib for gpu in gpus()), default=None)
    return None if smallest is None else Room(smallest * _MIB * share, count)
