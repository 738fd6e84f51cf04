"""`make bench`: every part in its own process, so that none inherits another's threads, caches or memory."""

from __future__ import annotations

import subprocess
import sys
import time

import torch

from panda_ray.errors import InputError


def run_everything(device: torch.device, threads: int) -> None:
    """Run all parts on one device; a part that fails does not stop the others.

    Raises:
        InputError: names the parts that failed, after all have run.
    """
    common = ["--device", str(device), "--threads", str(threads)]
    failed = []
    for part in ("training", "limit", "memory", "quick"):
        failed += _run(part, ["-m", "benchmarks", *common, part])
    for package in ("orchestration", "scaling", "simulation"):
        failed += _run(package, ["-m", f"benchmarks.{package}"])
    failed += _run("searching", ["-m", "benchmarks.searching", "stacking"])
    failed += _run("report", ["-m", "benchmarks", "report"])
    if failed:
        raise InputError(f"these parts failed, see above: {', '.join(failed)}")


def _run(name: str, arguments: list[str]) -> list[str]:
    """Run one part in its own Python; its name if it fails."""
    print(f"== {name}", flush=True)
    started = time.monotonic()
    done = subprocess.run([sys.executable, *arguments], check=False)
    print(f"== {name}: {time.monotonic() - started:.0f} s, exit code {done.returncode}", flush=True)
    return [name] if done.returncode else []
