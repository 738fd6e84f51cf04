"""`make bench`: every part in its own process, so that none inherits another's threads, caches or memory."""

from __future__ import annotations

import subprocess
import sys
import time

import torch

from benchmarks.results import FOLDER
from panda_ray.errors import InputError

SWEEP = "sweeps/paper/bert_large.yaml"
SIMULATION = "simulation-bert-large.txt"


def run_everything(device: torch.device, threads: int) -> None:
    """Run all parts on one device; a part that fails does not stop the others.

    Raises:
        InputError: names the parts that failed, after all have run.
    """
    common = ["--device", str(device), "--threads", str(threads)]
    failed = []
    for part in ("training", "limit", "memory", "quick"):
        failed += _run(part, ["-m", "benchmarks", *common, part])
    for package in ("orchestration", "scaling"):
        failed += _run(package, ["-m", f"benchmarks.{package}"])
    failed += _run("simulation", ["-m", "panda_ray.cli", "plan", SWEEP, "--simulate", "gpus=8,16,64"], SIMULATION)
    failed += _run("report", ["-m", "benchmarks", "report"])
    if failed:
        raise InputError(f"these parts failed, see above: {', '.join(failed)}")


def _run(name: str, arguments: list[str], keep: str | None = None) -> list[str]:
    """Run one part in its own Python, output kept in `results/` where a file is named; its name if it fails."""
    print(f"== {name}", flush=True)
    started = time.monotonic()
    if keep is None:
        done = subprocess.run([sys.executable, *arguments], check=False)
    else:
        with (FOLDER / keep).open("w", encoding="utf-8") as file:
            done = subprocess.run([sys.executable, *arguments], stdout=file, check=False)
    print(f"== {name}: {time.monotonic() - started:.0f} s, exit code {done.returncode}", flush=True)
    return [name] if done.returncode else []
