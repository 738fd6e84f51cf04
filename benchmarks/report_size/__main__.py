"""How long `panda-ray report` of a large study takes: `python -m benchmarks.report_size [--study FOLDER]`.

About 20,000 cells (five backbones, three methods, ten seeds of the paper's grid) are invented in MLflow, which takes
minutes; `--study` keeps them in a folder and uses those that are there. Then the command runs once, in a process of its
own. The wall time depends on what else the machine does, so CPU seconds stand beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.report_size.study import make_study, write_sweep
from benchmarks.written import results

SEEDS, BACKBONES = 10, 5
BAR_SECONDS = 60.0


def main() -> None:
    """Make the study, run the command on it, and keep what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report_size", description=__doc__)
    parser.add_argument("--study", type=Path, help="where the study is, or is to be kept")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--backbones", type=int, default=BACKBONES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = options.study or Path(folder)
        sweep_file = study / "large.yaml"
        if not sweep_file.is_file():
            study.mkdir(parents=True, exist_ok=True)
            make_study(write_sweep(study, options.seeds, options.backbones))
        path = results.write("report-size", torch.device("cpu"), _measured(sweep_file, Path(folder) / "out"))
    print(path.read_text(encoding="utf-8"))


def _measured(sweep_file: Path, out: Path) -> dict[str, Any]:
    load = os.getloadavg()[0]
    began, before = time.monotonic(), os.times()
    command = [sys.executable, "-m", "benchmarks.report_size.child", str(sweep_file), str(out)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds, after = time.monotonic() - began, os.times()
    with (out / "scores.csv").open(encoding="utf-8") as file:
        cells = sum(1 for _ in file) - 1
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {
        "cells": cells,
        "load_at_start": round(load, 1),
        "seconds": round(seconds, 1),
        "bar_seconds": BAR_SECONDS,
        "cpu_seconds": round(cpu, 1),
        **json.loads(ended.stdout.splitlines()[-1]),
    }


if __name__ == "__main__":
    main()
