"""How soon a sweep with 10,000 finished units goes on: from the start of the process to the first stack."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.orchestration import sweeps
from benchmarks.orchestration.bar import Bar
from benchmarks.orchestration.child import ROOT
from benchmarks.orchestration.events import read_events, times
from benchmarks.orchestration.forging import forge
from panda_ray.errors import InputError
from panda_ray.sweep_file import load_sweep

SECONDS = 10
_UNITS_PER_SEED = 191
_PATIENCE = 600


def measure_resume(folder: Path, units: int = 10_000) -> tuple[list[Bar], dict[str, Any]]:
    """Time runs that find everything done, and runs that find one more seed to do, their files on disk or in memory.

    The runs use the runner without Ray, so that the figure is what the store and the plan take; Ray's own start comes
    on top and is the same for an empty store (see the grid). Each run is ended once its first stack starts.
    """
    seeds = list(range(-(-units // _UNITS_PER_SEED)))
    done = sweeps.write(sweeps.finished(folder / "store", seeds), folder / "done.yaml")
    more = sweeps.write(sweeps.finished(folder / "store", [*seeds, len(seeds)]), folder / "more.yaml")
    plan = forge(load_sweep(str(done)))
    found = {}
    for name, sweep, event, cold in (
        ("one more seed, files not in memory", more, "stack", True),
        ("one more seed, files in memory", more, "stack", False),
        ("nothing to do, files in memory", done, "trained", False),
    ):
        if cold:
            _evict(folder / "store")
        found[name] = _seconds_until(event, sweep, folder / "events.jsonl")
    bars = [Bar(f"resume of {len(plan.units):,} units, {name}", value, SECONDS, "s") for name, value in found.items()]
    files = [path for path in (folder / "store" / "units").rglob("*") if path.is_file()]
    return bars, {"units": len(plan.units), "mebibytes": sum(path.stat().st_size for path in files) / 2**20}


def _evict(folder: Path) -> None:
    """Ask the kernel to forget the content of files; the folders' entries stay in memory."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _seconds_until(event: str, sweep: Path, log: Path) -> float:
    """From the start of `panda-ray run` to an event, after which the run is killed."""
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.orchestration.observed", str(log), "run", str(sweep)]
    started = time.time()
    with log.with_suffix(".txt").open("wb") as output:
        process = subprocess.Popen([*command, "--runner", "inline"], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        while not (found := times(read_events(log), event)):
            if process.poll() is not None or time.time() - started > _PATIENCE:
                raise InputError(f"the run ended before {event!r}:\n{log.with_suffix('.txt').read_text()[-2000:]}")
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    return found[0] - started
