"""The share of a training's time in which a GPU does nothing, from PyTorch's profiler."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile


def idle_share(train: Callable[[], object]) -> float:
    """Share of the time between the first kernel's start and the last one's end in which no kernel runs."""
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        train()
        torch.cuda.synchronize()
    kernels = [
        (event.time_range.start, event.time_range.end)
        for event in profiler.events() or []
        if event.device_type == DeviceType.CUDA
    ]
    assert kernels, "a training on a GPU runs kernels"
    window = max(end for _, end in kernels) - min(start for start, _ in kernels)
    return float(1.0 - covered(kernels) / window)


def covered(intervals: Iterable[tuple[float, float]]) -> float:
    """Length of the union of (start, end) intervals."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
