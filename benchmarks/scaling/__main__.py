"""Measure how a data-parallel training scales: `python -m benchmarks.scaling`, from the root of a checkout.

Two processes of one thread each over gloo; on a machine with several GPUs, one process per GPU over NCCL.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

import torch
from torch.multiprocessing.spawn import start_processes

from benchmarks.scaling.efficiency import WORKERS
from benchmarks.scaling.worker import MEASURED, device_of, work
from benchmarks.workloads.lengths import TASKS
from benchmarks.workloads.models import SIZES
from benchmarks.written.report import write_report
from benchmarks.written.results import write


def main() -> None:
    """Measure, keep and report."""
    arguments = _parser().parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # of the workers, which start afresh
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        start_processes(work, args=(arguments, folder), nprocs=WORKERS, start_method="spawn")  # type: ignore[no-untyped-call]
        measured = json.loads(Path(folder, MEASURED).read_text(encoding="utf-8"))
    write("scaling", device_of(0), {"workers": WORKERS, "measured": measured})
    write_report()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--backbone", default="small", choices=SIZES)
    parser.add_argument("--tasks", nargs="+", default=["cola", "rte"], choices=TASKS)
    parser.add_argument("--widths", nargs="+", type=int, default=[1, 4], metavar="S")
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    return parser


if __name__ == "__main__":
    main()
