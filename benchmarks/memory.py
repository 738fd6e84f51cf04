"""Memory that one member of a stack costs, and how many members a given memory holds.

On a GPU the peak of what PyTorch's allocator hands out; on a CPU the peak resident set of a fresh process per width.
The line through the narrow widths is checked at one more: `error` says how far off it is there.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from benchmarks.competitors import stacked
from benchmarks.workloads.setting import Setting

GIB = 1 << 30


@dataclass(frozen=True)
class Memory:
    """The line `fixed_bytes + width * bytes_per_member`, fitted to peaks in bytes by width.

    Attributes:
        error: (predicted - measured) / measured at the last width, which the fit has not seen.
        checkpointed: peak at that width with activation checkpointing, over the one without.
        widest: members that fit into each number of GiB, by the line.
    """

    backbone: str
    task: str
    method: str
    peaks: dict[int, int]
    fixed_bytes: float
    bytes_per_member: float
    error: float
    checkpointed: float
    widest: dict[int, int]

    def as_json(self) -> dict[str, Any]:
        """Plain data for a results file."""
        return asdict(self)


def measure_memory(setting: Setting, widths: Sequence[int], check: int, gibibytes: Sequence[int]) -> Memory:
    """Peaks at `widths`, the line through them, and the check at one more width."""
    peaks = {width: _peak(setting, width) for width in (*widths, check)}
    per_member, fixed = fit(widths, [peaks[width] for width in widths])
    predicted = fixed + per_member * check
    return Memory(
        backbone=setting.backbone,
        task=setting.task,
        method=setting.method,
        peaks=peaks,
        fixed_bytes=fixed,
        bytes_per_member=per_member,
        error=(predicted - peaks[check]) / peaks[check],
        checkpointed=_peak(replace(setting, activation_checkpointing=True), check) / peaks[check],
        widest={size: widest(size * GIB, fixed, per_member) for size in gibibytes},
    )


def fit(widths: Sequence[int], peaks: Sequence[int]) -> tuple[float, float]:
    """Slope and intercept of the least-squares line."""
    slope, intercept = np.polyfit(np.asarray(widths, dtype=np.float64), np.asarray(peaks, dtype=np.float64), 1)
    return float(slope), float(intercept)


def widest(memory: float, fixed: float, per_member: float) -> int:
    """Members that fit; 0 where not even the fixed part does."""
    return max(0, int((memory - fixed) / per_member))


def _peak(setting: Setting, width: int) -> int:
    if setting.device.type == "cuda":
        return _peak_of_allocator(setting, width)
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak_of_process, (setting, width, torch.get_num_threads()))


def _peak_of_allocator(setting: Setting, width: int) -> int:
    train = stacked.prepare(setting, width)
    torch.cuda.reset_peak_memory_stats(setting.device)
    train()
    return int(torch.cuda.max_memory_allocated(setting.device))


def _peak_of_process(setting: Setting, width: int, threads: int) -> int:
    torch.set_num_threads(threads)
    stacked.prepare(setting, width)()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
