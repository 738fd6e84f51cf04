"""The command line of the benchmarks: `python -m benchmarks PART [options]`, from the root of a checkout."""

from __future__ import annotations

import argparse
from typing import get_args

import torch

from benchmarks.lengths import TASKS
from benchmarks.machine import available_cores, precision_of, select_device
from benchmarks.models import SIZES
from benchmarks.setting import Method, Setting
from benchmarks.throughput import RIVALS, Comparison, compare, mean_ratio


def main() -> None:
    """Parse the command line and run one part."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: cuda if there is one)")
    parser.add_argument("--threads", type=int, default=available_cores(), help="CPU threads of every competitor")
    parts = parser.add_subparsers(dest="part", required=True)
    throughput = parts.add_parser("throughput", help="student examples per second, side by side")
    throughput.add_argument("--backbones", nargs="+", default=["tiny"], choices=SIZES)
    throughput.add_argument("--tasks", nargs="+", default=["cb", "stsb"], choices=TASKS)
    throughput.add_argument("--methods", nargs="+", default=["panda"], choices=get_args(Method))
    throughput.add_argument("--widths", nargs="+", type=int, default=[8], metavar="S")
    throughput.add_argument("--rivals", nargs="*", default=list(RIVALS), choices=RIVALS)
    throughput.add_argument("--rounds", type=int, default=3)
    throughput.add_argument("--rows", type=int, default=128)
    throughput.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu: on a machine shared by others"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    _throughput(arguments)


def _throughput(arguments: argparse.Namespace) -> None:
    device = select_device(arguments.device)
    for backbone in arguments.backbones:
        for method in arguments.methods:
            comparisons = []
            for task in arguments.tasks:
                setting = Setting(backbone, task, method, device, precision_of(device), rows=arguments.rows)
                comparison = compare(setting, arguments.widths, arguments.rivals, arguments.rounds, arguments.clock)
                print(_line(comparison), flush=True)
                comparisons.append(comparison)
            for width in arguments.widths:
                for rival in arguments.rivals:
                    mean = mean_ratio(comparisons, width, rival)
                    print(f"{backbone} {method} S={width}: {mean:.2f} times {rival} (geometric mean)", flush=True)


def _line(comparison: Comparison) -> str:
    setting = comparison.setting
    rates = ", ".join(f"{name} {rate:.0f}" for name, rate in comparison.rates.items())
    ratios = ", ".join(
        f"S={width} / {rival} {comparison.ratio(width, rival):.2f}"
        for width, by_rival in comparison.ratios.items()
        for rival in by_rival
    )
    return f"{setting.backbone} {setting.task} {setting.method}: examples/s: {rates}; {ratios}"


if __name__ == "__main__":
    main()
