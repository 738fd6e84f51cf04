"""How much of its GPUs' memory one stack may take."""

from __future__ import annotations

from dataclasses import dataclass

from panda_ray.execution.costs.memory.gpus import gpus
from panda_ray.sweep import ResourceSection
from panda_ray.sweep.resources import CPU_WORKER

GIB, _MIB = 1 << 30, 1 << 20


@dataclass(frozen=True)
class Room:
    """What a stack has: so many GPUs, and so many bytes of each."""

    bytes: float
    gpus: int = 1


def room_of(resources: ResourceSection) -> Room | None:
    """That of GPUs as the sweep describes them, or else as this machine's smallest is.

    None where there is neither, and for stacks on CPUs of a sweep that says nothing. Of several kinds of worker it is
    the largest, if all with GPUs are described.
    """
    if resources.workers:
        rooms = [room_of_worker(resources.on(name)) for name in resources.kinds if name != CPU_WORKER]
        told = [room for room in rooms if room is not None]
        return max(told, key=lambda room: room.bytes * room.gpus) if told and len(told) == len(rooms) else None
    if resources.gpu_memory_gib is not None or not resources.gpus_per_stack:
        return room_of_worker(resources)
    smallest = min((gpu.memory_mib for gpu in gpus()), default=None)
    return None if smallest is None else _room(smallest * _MIB, resources)


def room_of_worker(resources: ResourceSection) -> Room | None:
    """Likewise, of what is described alone: workers may be other machines than this one."""
    return None if resources.gpu_memory_gib is None else _room(resources.gpu_memory_gib * GIB, resources)


def _room(gpu: float, resources: ResourceSection) -> Room:
    """A stack's part of GPUs of so many bytes."""
    return Room(gpu * min(1.0, resources.gpus_per_stack or 1.0), max(1, int(resources.gpus_per_stack)))
