"""The device that a stack runs on, and the largest memory that it took there.

That is memory of the device for a GPU, and of the whole process for a CPU.
"""

from __future__ import annotations

import resource
import sys

import torch

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the operating system counts the resident set."""


def device_name(device: torch.device) -> str:
    """The model of a GPU, or `cpu`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def start_counting(device: torch.device) -> None:
    """Forget the peak of earlier stacks, where the device can; a process's own peak only ever grows."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int:
    """Most bytes allocated on a GPU since `start_counting`, or the largest resident set of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
