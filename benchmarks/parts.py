"""The parts of `make bench`: each measures its grids on one device and keeps what it found in `results/`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.grids import Grid, MemoryGrid
from benchmarks.limit import measure_limit
from benchmarks.measuring.measure import Clock
from benchmarks.memory import measure_memory
from benchmarks.throughput import RIVALS, Comparison, Rival, compare, mean_ratio
from benchmarks.written.results import write


def run_throughput(
    grids: Sequence[Grid], device: torch.device, rivals: Sequence[Rival] = tuple(RIVALS), clock: Clock = "wall"
) -> list[Comparison]:
    """Compare in every setting, and say what came out as it comes."""
    found = []
    for grid in grids:
        comparisons = []
        for setting in grid.settings(device):
            comparison = compare(setting, grid.widths, rivals, grid.rounds, clock=clock, warm_up=grid.warm_up)
            print(_line(comparison), flush=True)
            comparisons.append(comparison)
        for method in grid.methods:
            _print_means(grid, [each for each in comparisons if each.setting.method == method], rivals)
        found += comparisons
    return found


def keep_throughput(comparisons: Sequence[Comparison], device: torch.device) -> Path:
    """Write a results file."""
    return write("throughput", device, {"measured": [comparison.as_json() for comparison in comparisons]})


def run_limit(grids: Sequence[Grid], device: torch.device) -> Path:
    """Measure utilisation and keep it."""
    found = []
    for grid in grids:
        for setting in grid.settings(device):
            for width in grid.widths:
                limit = measure_limit(setting, width, grid.rounds)
                print(
                    f"{limit.backbone} {limit.task} {limit.method} S={width}: "
                    f"{limit.operations_per_step / limit.seconds_per_step / 1e12:.3f} of {limit.peak / 1e12:.3f} "
                    f"TFLOP/s, utilisation {limit.utilisation:.0%}",
                    flush=True,
                )
                found.append(limit.as_json())
    return write("limit", device, {"measured": found})


def run_memory(grids: Sequence[MemoryGrid], device: torch.device) -> Path:
    """Measure memory and keep it."""
    found = []
    for grid in grids:
        memory = measure_memory(grid.setting(device), grid.widths, grid.check, grid.gibibytes)
        print(
            f"{memory.backbone} {memory.task} {memory.method}: {memory.fixed_bytes / 2**20:.0f} MiB and "
            f"{memory.bytes_per_member / 2**20:.2f} MiB per member ({memory.error:+.0%} at S={grid.check}), "
            f"{memory.checkpointed:.0%} of that with activation checkpointing",
            flush=True,
        )
        found.append(memory.as_json())
    return write("memory", device, {"measured": found})


def _line(comparison: Comparison) -> str:
    setting = comparison.setting
    rates = ", ".join(f"{name} {rate:.0f}" for name, rate in comparison.rates.items())
    ratios = ", ".join(
        f"S={width} / {rival} {comparison.ratio(width, rival):.2f}"
        for width, by_rival in comparison.ratios.items()
        for rival in by_rival
    )
    return f"{setting.backbone} {setting.task} {setting.method}: examples/s: {rates}; {ratios}"


def _print_means(grid: Grid, comparisons: Sequence[Comparison], rivals: Sequence[Rival]) -> None:
    method = comparisons[0].setting.method
    for width in grid.widths:
        # A width that did not fit into memory in one of the settings has no mean over all of them.
        if all(width in comparison.ratios for comparison in comparisons):
            means = ", ".join(f"{mean_ratio(comparisons, width, rival):.2f} times {rival}" for rival in rivals)
            print(f"{grid.backbone} {method} S={width}, geometric mean: {means}", flush=True)
