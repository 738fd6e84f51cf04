"""The short comparison, and whether its ratios fell below the stored ones. Times are never compared."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import torch

from benchmarks.measuring.machine import describe, precision_of
from benchmarks.throughput import RIVALS, Comparison, compare, mean_ratio
from benchmarks.workloads.setting import Setting
from benchmarks.written.results import FOLDER, read, slug, write
from panda_ray.errors import InputError

WIDTH = 8
TASKS = ("cb", "stsb")
ROUNDS = 5
SECONDS = 100
"""Per data set: on a slow machine there are fewer rounds, so that the whole ends within six minutes on two cores."""
LEAST_SHARE = 0.8
"""A ratio below this share of the stored one is a regression; paired medians of one commit differ by less."""
RATIOS = ("ratio_official", "ratio_peft")


def run_quick(device: torch.device, rounds: int = ROUNDS) -> Path:
    """Compare PanDa on the tiny backbone, and keep the result."""
    comparisons = []
    for task in TASKS:
        setting = Setting("tiny", task, "panda", device, precision_of(device))
        comparison = compare(setting, [WIDTH], list(RIVALS), rounds, seconds=SECONDS)
        print(f"{task}: " + ", ".join(f"{rival} {comparison.ratio(WIDTH, rival):.2f}" for rival in RIVALS), flush=True)
        comparisons.append(comparison)
    return write("quick", device, quick_content(comparisons))


def quick_content(comparisons: list[Comparison]) -> dict[str, Any]:
    """Ratios over the data sets (geometric mean of the medians), and what they come from."""
    return {
        "width": WIDTH,
        **{f"ratio_{rival}": round(mean_ratio(comparisons, WIDTH, rival), 3) for rival in RIVALS},
        "measured": [comparison.as_json() for comparison in comparisons],
    }


def baseline_path(device: torch.device) -> Path:
    """The stored ratios of this kind of machine.

    Ratios travel between machines of one processor only: oneDNN's kernels, which panda_ray uses and its rivals do not,
    gain 1.3 times on an AMD and nothing on an Intel, whose own library is as fast.
    """
    return FOLDER / f"baseline-quick-{slug(describe(device))}.json"


def store_baseline(quick: Path, device: torch.device) -> Path:
    """Make a result the one that later ones are compared with."""
    content = read(quick)
    kept = {name: content[name] for name in ("schema", "date", "machine", *RATIOS)}
    path = baseline_path(device)
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return path


def check(quick: Path, baseline: Path) -> str:
    """One sentence on ratios that hold.

    Raises:
        InputError: a ratio fell, or there is no stored one.
    """
    if not baseline.is_file():
        raise InputError(
            f"{baseline} does not exist, so there is nothing to compare with; "
            "`python -m benchmarks check --store` makes this machine's ratios the stored ones"
        )
    measured, stored = read(quick), read(baseline)
    fallen = [name for name in RATIOS if measured[name] < LEAST_SHARE * stored[name]]
    if fallen:
        raise InputError(
            "slower than before: "
            + ", ".join(f"{name} is {measured[name]:.2f}, stored is {stored[name]:.2f}" for name in fallen)
            + f" (allowed: at least {LEAST_SHARE:.0%} of it, {baseline})"
        )
    share = geometric_mean([measured[name] / stored[name] for name in RATIOS])
    return f"ratios hold: {share:.0%} of the stored ones ({baseline.name})"
