"""`python -m benchmarks.orchestration [trivial|memory|grid|resume|plan]` at the root of a checkout; default: all."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.orchestration.bar import Bar
from benchmarks.orchestration.measures.driver_memory import measure_driver_memory
from benchmarks.orchestration.measures.grid import QUICKSTART, measure_grid
from benchmarks.orchestration.measures.planning import measure_plan
from benchmarks.orchestration.measures.resume import measure_resume
from benchmarks.orchestration.measures.trivial import measure_trivial
from benchmarks.orchestration.summary import keep
from panda_ray.errors import InputError

Part = Callable[[Path, argparse.Namespace], tuple[list[Bar], dict[str, Any]]]

PARTS: dict[str, Part] = {
    "plan": lambda folder, _: measure_plan(folder),
    "resume": lambda folder, _: measure_resume(folder),
    "trivial": lambda folder, _: measure_trivial(folder),
    "memory": lambda folder, _: measure_driver_memory(folder),
    "grid": lambda folder, arguments: measure_grid(folder, arguments.sweep, arguments.set),
}


def main() -> int:
    """Measure, print figures beside their bars, and keep them; 1 where a part could not be measured."""
    arguments = _parser().parse_args()
    for name in [arguments.part] if arguments.part else PARTS:
        with tempfile.TemporaryDirectory(prefix="panda-ray-orchestration-", dir=arguments.folder) as folder:
            try:
                bars, details = PARTS[name](Path(folder), arguments)
            except InputError as error:
                print(error, file=sys.stderr)
                return 1
        for bar in bars:
            print(bar, flush=True)
        kept_as = f"{name}-{Path(arguments.sweep).stem}" if name == "grid" else name
        print(f"{name}: {details}\n{keep(kept_as, bars, details)}", flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orchestration", description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS)
    parser.add_argument("--folder", help="where stores are made for the measurement (default: the system's)")
    parser.add_argument("--sweep", default=QUICKSTART, help="for the grid: a sweep file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="for the grid: as `panda-ray run` takes it"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
