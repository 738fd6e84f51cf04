"""The command line of the benchmarks: `python -m benchmarks PART [options]`, from the root of a checkout."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from typing import get_args

import torch

from benchmarks import check, grids, parts
from benchmarks.everything import run_everything
from benchmarks.measuring.machine import available_cores, select_device
from benchmarks.projection import projection
from benchmarks.throughput import RIVALS, Comparison
from benchmarks.workloads.lengths import TASKS
from benchmarks.workloads.models import SIZES
from benchmarks.workloads.setting import Method
from benchmarks.written.report import write_report
from panda_ray.errors import InputError


def main() -> int:
    """Run one part; 1 where a check failed."""
    arguments = _parser().parse_args()
    # transformers warns about its own deprecated attribute at every copy of a model.
    warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
    torch.set_num_threads(arguments.threads)
    try:
        PARTS[arguments.part](arguments, select_device(arguments.device))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _throughput(arguments: argparse.Namespace, device: torch.device) -> None:
    grid_list = [
        grids.Grid(
            backbone,
            tuple(arguments.tasks),
            tuple(arguments.methods),
            tuple(arguments.widths),
            arguments.rows,
            arguments.epochs,
            arguments.rounds,
        )
        for backbone in arguments.backbones
    ]
    parts.run_throughput(grid_list, device, arguments.rivals, arguments.clock)


def _training(_: argparse.Namespace, device: torch.device) -> None:
    found: list[Comparison] = []
    for grid in grids.throughput_grids(device):
        found += parts.run_throughput([grid], device)
        parts.keep_throughput(found, device)  # after each, because all of them take half an hour


def _limit(_: argparse.Namespace, device: torch.device) -> None:
    parts.run_limit(grids.limit_grids(device), device)


def _memory(_: argparse.Namespace, device: torch.device) -> None:
    parts.run_memory(grids.memory_grids(device), device)


def _quick(arguments: argparse.Namespace, device: torch.device) -> None:
    print(check.run_quick(device, arguments.rounds))


def _check(arguments: argparse.Namespace, device: torch.device) -> None:
    quick = check.run_quick(device, arguments.rounds)
    print(check.store_baseline(quick, device) if arguments.store else check.check(quick, check.baseline_path(device)))


def _projection(_: argparse.Namespace, __: torch.device) -> None:
    print(projection())


def _report(_: argparse.Namespace, __: torch.device) -> None:
    for path in write_report():
        print(path)


def _all(arguments: argparse.Namespace, device: torch.device) -> None:
    run_everything(device, arguments.threads)


PARTS: dict[str, Callable[[argparse.Namespace, torch.device], None]] = {
    "throughput": _throughput,
    "training": _training,
    "limit": _limit,
    "memory": _memory,
    "quick": _quick,
    "check": _check,
    "projection": _projection,
    "report": _report,
    "all": _all,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--device", help="cpu, cuda, ... (default: cuda if there is one)")
    parser.add_argument("--threads", type=int, default=available_cores(), help="CPU threads of every competitor")
    commands = parser.add_subparsers(dest="part", required=True)
    throughput = commands.add_parser("throughput", help="chosen comparisons, printed and not kept")
    throughput.add_argument("--backbones", nargs="+", default=["tiny"], choices=SIZES)
    throughput.add_argument("--tasks", nargs="+", default=["cb", "stsb"], choices=TASKS)
    throughput.add_argument("--methods", nargs="+", default=["panda"], choices=get_args(Method))
    throughput.add_argument("--widths", nargs="+", type=int, default=[check.WIDTH], metavar="S")
    throughput.add_argument("--rivals", nargs="*", default=list(RIVALS), choices=RIVALS)
    throughput.add_argument("--rounds", type=int, default=3)
    throughput.add_argument("--rows", type=int, default=128)
    throughput.add_argument("--epochs", type=int, default=4)
    throughput.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: for shared machines")
    commands.add_parser("all", help="every part, orchestration, scaling and simulation too: `make bench`")
    commands.add_parser("training", help="all comparisons of `make bench`, kept")
    commands.add_parser("limit", help="utilisation: operations per second over the matmul peak, kept")
    commands.add_parser("memory", help="memory per member, kept")
    for name, purpose in (("quick", "tiny backbone, kept"), ("check", "quick, and compare with the stored ratios")):
        command = commands.add_parser(name, help=purpose)
        command.add_argument("--rounds", type=int, default=check.ROUNDS)
    command.add_argument("--store", action="store_true", help="make these ratios the stored ones")
    commands.add_parser("projection", help="GPU-hours of the paper's full BERT-large grid, arithmetic shown")
    commands.add_parser("report", help="table and plot of everything in results/")
    return parser


if __name__ == "__main__":
    sys.exit(main())
