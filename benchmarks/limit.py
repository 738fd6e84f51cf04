"""How near a training is to what the device can do: operations counted, matmul peak measured in the same run.

Operations are those that the training executes (padding included), as PyTorch's own counter sees them, over the whole
call: optimiser steps, the one pass of the teachers, evaluation. What runs inside a replayed CUDA graph it cannot see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.competitors import stacked
from benchmarks.measuring.formulas import FORMULAS
from benchmarks.measuring.idle import idle_share
from benchmarks.measuring.measure import Prepare, timed
from benchmarks.workloads.models import SIZES
from benchmarks.workloads.setting import Setting
from benchmarks.workloads.workload import make_task
from panda_ray.backbones.forward.frozen_linear import FrozenLinear, onednn_is_right
from panda_ray.backbones.sizes import Sizes
from panda_ray.execution.costs.operations import backward_operations, forward_operations

Multiply = Callable[[Tensor, Tensor], Tensor]

_MATRIX_SIZES = {"cpu": (256, 512, 1024, 2048), "cuda": (1024, 2048, 4096, 8192, 16384)}
_SECONDS_PER_SIZE = 0.3


@dataclass(frozen=True)
class Limit:
    """One setting's distance from the device's peak.

    Attributes:
        operations_per_step: counted over the whole call, divided by its steps.
        useful_operations_per_step: by arithmetic, without padding and without scores that are computed twice.
        peak: operations per second of the best square matrix product, same precision and threads.
        utilisation: counted operations per second over the peak.
        idle_share: of the call's time, in which no kernel ran; None on a CPU.
    """

    backbone: str
    task: str
    method: str
    width: int
    precision: str
    steps: int
    operations_per_step: float
    useful_operations_per_step: float
    seconds_per_step: float
    examples_per_second: float
    peak: float
    utilisation: float
    idle_share: float | None

    def as_json(self) -> dict[str, Any]:
        """Plain data for a results file."""
        return asdict(self)


def measure_limit(setting: Setting, width: int, rounds: int) -> Limit:
    """Count once, time `rounds` trainings and the peak in turn."""

    def prepare() -> Any:
        return stacked.prepare(setting, width)

    counted = count_operations(prepare) / setting.steps
    seconds, peaks = [], []
    for _ in range(rounds):
        peaks.append(matmul_peak(setting.device, setting.precision))
        seconds.append(timed(prepare(), setting.device).wall / setting.steps)
    seconds_per_step, peak = median(seconds), max(peaks)
    return Limit(
        backbone=setting.backbone,
        task=setting.task,
        method=setting.method,
        width=width,
        precision=setting.precision,
        steps=setting.steps,
        operations_per_step=counted,
        useful_operations_per_step=useful_operations(setting, width) / setting.steps,
        seconds_per_step=seconds_per_step,
        examples_per_second=width * setting.batch_size / seconds_per_step,
        peak=peak,
        utilisation=counted / seconds_per_step / peak,
        idle_share=idle_share(prepare()) if setting.device.type == "cuda" else None,
    )


def count_operations(prepare: Prepare) -> int:
    """Floating-point operations of matrix products and attention in one training."""
    train = prepare()
    onednn_is_right()  # tries products once per process, which are no work of a training
    with FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter:
        train()
    return int(counter.get_total_flops())


def useful_operations(setting: Setting, width: int) -> float:
    """The same by arithmetic: every example forward and backward in each epoch, the teacher's once forward."""
    size = SIZES[setting.backbone]
    sizes = Sizes(size.layers, size.hidden, 4 * size.hidden)
    forward = backward = 0.0
    for tokens in make_task(setting).train.lengths_R.tolist():
        forward += forward_operations(sizes, tokens, setting.prompt_len, every_token=False)
        backward += backward_operations(sizes, tokens, setting.prompt_len, every_token=False)
    teacher = forward if setting.method == "panda" else 0.0
    return width * (setting.epochs * (forward + backward) + teacher)


def matmul_peak(device: torch.device, precision: str) -> float:
    """Operations per second of square matrix products, at the best of several sizes and ways to multiply."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    sizes = _MATRIX_SIZES[device.type]
    return max(_matmul_rate(size, device, dtype, multiply) for size in sizes for multiply in (torch.mm, _frozen))


def _matmul_rate(size: int, device: torch.device, dtype: torch.dtype, multiply: Multiply) -> float:
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))

    def repeat(times: int) -> None:
        for _ in range(times):
            multiply(left, right)

    repeat(2)
    once = timed(lambda: repeat(3), device).wall / 3
    times = max(1, int(_SECONDS_PER_SIZE / once))
    return 2 * size**3 * times / timed(lambda: repeat(times), device).wall


@torch.no_grad()
def _frozen(left: Tensor, right: Tensor) -> Tensor:
    """Square matrices, multiplied as the backbone's linear layers do."""
    linear = nn.Linear(len(right), len(right), bias=False, device="meta")
    linear.weight = nn.Parameter(right, requires_grad=False)
    product: Tensor = FrozenLinear(linear)(left)
    return product
