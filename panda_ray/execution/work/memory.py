"""The device that a stack runs on, the largest memory that it took there, and whether it fitted.

That is memory of the device for a GPU, and of the whole process for a CPU.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from panda_ray.backbones.loading import default_device
from panda_ray.execution.planning.footprints import footprint_of
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.store.memory_limits import Limit, Limits

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the operating system counts the resident set."""


def device_name(device: torch.device) -> str:
    """The model of a GPU, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def start_counting(devices: Sequence[torch.device]) -> None:
    """Forget the peak of earlier stacks, where a device can; a process's own peak only ever grows."""
    for device in devices:
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(devices: Sequence[torch.device]) -> int:
    """Most bytes allocated on any of several GPUs since `start_counting`, or this process's largest resident set."""
    if devices[0].type == "cuda":
        return max(map(torch.cuda.max_memory_allocated, devices))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT


@contextmanager
def noted(stack: Stack, limits: Limits, limit: Limit | None) -> Iterator[None]:
    """Remember whether a stack that trains in this process, the context, fits into its device's memory.

    Args:
        limit: what was known of its footprint before.

    Raises:
        StoreFullError: when there is no room.
    """
    footprint, width = footprint_of(stack), len(stack.members)
    if footprint is None:
        yield
        return
    device = device_name(default_device())
    try:
        yield
    except torch.OutOfMemoryError:
        if width > 1:  # nothing is narrower than one member, which may fit when it is tried again
            limits.write(footprint, width, fits=False, device=device)
        raise
    if limit is not None and not limit.confirmed:
        limits.write(footprint, width, fits=True, device=device)
