"""What one of the two workers does: train alone, beside the other, and together with it, in turn.

Two trainings that run beside each other and say nothing share memory, caches and clock rate as two workers do. Their
efficiency is what the machine gives to two processes at the most; what is lost beyond that is the price of talking.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.distributed as dist

from benchmarks.competitors.stacked import make_member
from benchmarks.measuring.measure import timed
from benchmarks.scaling.watched import Watched
from benchmarks.workloads.models import panda_backbone
from benchmarks.workloads.setting import Setting
from benchmarks.workloads.workload import make_task
from panda_ray.training.engine.collective import SOLO, Collective, ProcessGroup
from panda_ray.training.engine.stacked import train_stack

WORKERS = 2


@dataclass(frozen=True)
class Scaling:
    """One training on one and on two workers; medians over turns, each a ratio of runs that follow each other.

    Attributes:
        rates: student examples per second `alone` and `together`.
        efficiency: speed-up of two workers, divided by two.
        ceiling: efficiency of two trainings beside each other that say nothing.
        sum_share: part of a worker's time in the all-reduce of gradients, waiting for the other included.
        object_share: part in gathering evaluations and sharing what rank 0 read.
        bytes_per_step: summed in one step.
    """

    backbone: str
    task: str
    width: int
    steps: int
    rates: dict[str, float]
    efficiency: float
    ceiling: float
    sum_share: float
    object_share: float
    bytes_per_step: float
    rounds: list[dict[str, float]]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure_scaling(setting: Setting, width: int, rounds: int) -> Scaling:
    """Measure one training; both workers call this, and get the same."""
    backbone, task = panda_backbone(setting), make_task(setting)
    members = [make_member(setting, task.spec.output_size, index) for index in range(width)]
    rank = dist.get_rank()

    def run(collective: Collective) -> Callable[[], object]:
        return lambda: train_stack(backbone, task, members, setting.config, collective=collective)

    turns: list[dict[str, float]] = []
    for turn in range(-1, rounds):  # the first one does not count
        watched = Watched(ProcessGroup(), setting.device)
        seconds = {
            "alone": _together(run(SOLO) if rank == 0 else _nothing, setting.device),
            "beside": _together(run(SOLO), setting.device),
            "together": _together(run(watched), setting.device),
        }
        if turn >= 0:
            turns.append({**seconds, "sum": watched.sum_seconds, "objects": watched.object_seconds})
    return Scaling(
        backbone=setting.backbone,
        task=setting.task,
        width=width,
        steps=setting.steps,
        rates={
            name: width * setting.student_examples / statistics.median(each[name] for each in turns)
            for name in ("alone", "together")
        },
        efficiency=statistics.median(each["alone"] / each["together"] for each in turns) / WORKERS,
        ceiling=statistics.median(each["alone"] / each["beside"] for each in turns),
        sum_share=statistics.median(each["sum"] / each["together"] for each in turns),
        object_share=statistics.median(each["objects"] / each["together"] for each in turns),
        bytes_per_step=watched.summed_bytes / watched.sums,
        rounds=turns,
    )


def _together(run: Callable[[], object], device: torch.device) -> float:
    """Wall seconds until the slower worker is done, on both of them."""
    dist.barrier()
    seconds = torch.tensor(timed(run, device).wall, device=device)
    dist.all_reduce(seconds, dist.ReduceOp.MAX)
    return float(seconds)


def _nothing() -> None:
    """What the other worker does while one trains alone."""
