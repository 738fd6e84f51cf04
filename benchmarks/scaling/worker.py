"""The process of one worker: joins the group, measures, and rank 0 keeps what was found."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import torch
import torch.distributed as dist

from benchmarks.measuring.machine import precision_of
from benchmarks.scaling.efficiency import WORKERS, measure_scaling
from benchmarks.workloads.setting import Setting

MEASURED = "measured.json"


def work(rank: int, arguments: argparse.Namespace, folder: str) -> None:
    """Measure what the command line asks for; the results are in a file in the folder at the end."""
    warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
    torch.set_num_threads(1)
    device = device_of(rank)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, init_method=f"file://{folder}/meeting", rank=rank, world_size=WORKERS)
    measured = []
    for task in arguments.tasks:
        for width in arguments.widths:
            setting = Setting(
                arguments.backbone,
                task,
                "pot",
                device,
                precision=precision_of(device),
                rows=arguments.rows,
                epochs=arguments.epochs,
                batch_size=arguments.batch_size,
            )
            scaling = measure_scaling(setting, width, arguments.rounds)
            measured.append(scaling.as_json())
            if rank == 0:
                print(
                    f"{scaling.backbone} {task} S={width}: efficiency {scaling.efficiency:.0%} of at most "
                    f"{scaling.ceiling:.0%}, all-reduce {scaling.sum_share:.1%} of the time, "
                    f"{scaling.bytes_per_step / 1e6:.2f} MB per step",
                    flush=True,
                )
    if rank == 0:
        Path(folder, MEASURED).write_text(json.dumps(measured), encoding="utf-8")
    dist.destroy_process_group()


def device_of(rank: int) -> torch.device:
    """A GPU of its own for each worker where there are enough, else the CPU for all."""
    return torch.device("cuda", rank) if torch.cuda.device_count() >= WORKERS else torch.device("cpu")
