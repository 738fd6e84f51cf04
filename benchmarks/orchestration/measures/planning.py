"""`panda-ray plan` of a sweep with a million cells: seconds and memory of the whole process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.orchestration import sweeps
from benchmarks.orchestration.bar import Bar
from benchmarks.orchestration.child import run_child

SECONDS, GIBIBYTES = 60, 4


def measure_plan(folder: Path, cells: int = 1_000_000) -> tuple[list[Bar], dict[str, Any]]:
    """Plan a sweep of which nothing is done."""
    sweep = sweeps.write(sweeps.million(folder / "store", cells), folder / "million.yaml")
    output = folder / "plan.json"
    child = run_child(["-m", "panda_ray.cli", "plan", str(sweep), "--json"], output)
    planned = json.loads(output.read_text(encoding="utf-8"))
    named = f"plan of {planned['cells']:,} cells"
    bars = [
        Bar(f"{named}, wall time", child.seconds, SECONDS, "s"),
        Bar(f"{named}, peak memory", child.peak_bytes / 2**30, GIBIBYTES, "GiB"),
    ]
    counts = {"cells": planned["cells"], "units": planned["units"]["total"], "stacks": planned["stacks"]}
    return bars, {**counts, "cpu_seconds": child.cpu_seconds}
