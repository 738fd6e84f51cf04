"""`python -m benchmarks.searching halving` and `python -m benchmarks.searching stacking`, each on one core."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.searching import stacking
from benchmarks.searching.halving import Seed, halved, summary, whole_grid
from benchmarks.searching.paper_search import SPACE, Rows
from benchmarks.written.results import write

TASKS = {"bulletin": Rows(60, 200), "remark": Rows(80, 200), "choice": Rows(80, 200)}
"""200 rows of a dev set are the fewest of which half a point is one, and no training is larger than it must be."""


def main() -> None:
    """Measure one part; what was measured is kept."""
    options = _parser().parse_args()
    torch.set_num_threads(1)
    PARTS[options.part](options)


def _halving(options: argparse.Namespace) -> None:
    for task in options.tasks:
        if options.folder:
            _halve(Path(options.folder, task), task, options.seeds)
        else:
            with tempfile.TemporaryDirectory() as folder:
                _halve(Path(folder), task, options.seeds)


def _halve(folder: Path, task: str, seeds: list[int]) -> None:
    """Keep what is known after each seed, because all of them take an hour."""
    rows, found = TASKS[task], list[Seed]()
    grid = whole_grid(str(folder / "whole"), task, rows, SPACE, seeds)
    for seed in seeds:
        found.append(halved(str(folder / f"halved-{seed}"), task, rows, SPACE, seed, grid[seed]))
        each = found[-1]
        print(f"{task} {seed}: {each.share:.1%}, {each.best:.2f} - {each.lost:.2f}, {each.done} done", flush=True)
        write(f"search-halving-{task}", torch.device("cpu"), summary(task, rows, SPACE, found))


def _stacking(options: argparse.Namespace) -> None:
    for found in stacking.measure(options.contenders, options.batch_sizes):
        print(json.dumps(found["contenders"], indent=1), flush=True)
        write("search-stacking", torch.device("cpu"), found)


def _contend(options: argparse.Namespace) -> None:
    cost = stacking.contend(options.contender, options.storage, options.batch_sizes)
    Path(options.answer).write_text(json.dumps(asdict(cost)), encoding="utf-8")


PARTS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "halving": _halving,
    "stacking": _stacking,
    "contend": _contend,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.searching", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    halving = parts.add_parser("halving", help="examples that pruning saves of the grid, and points that it loses")
    halving.add_argument("--tasks", nargs="+", default=["bulletin"], choices=TASKS)
    halving.add_argument("--seeds", nargs="+", type=int, default=list(range(11, 21)))
    halving.add_argument("--folder", help="where stores are kept, so that a run that was interrupted goes on")
    stacks = parts.add_parser("stacking", help="the grid in stacks, one by one, and by Ray Tune with PEFT")
    stacks.add_argument("--contenders", nargs="+", default=stacking.CONTENDERS, choices=stacking.CONTENDERS)
    contend = parts.add_parser("contend", help="one of them, in this process")
    contend.add_argument("contender", choices=stacking.CONTENDERS)
    contend.add_argument("--storage", required=True)
    contend.add_argument("--answer", required=True)
    for part in (stacks, contend):
        sizes = [int(size) for size in SPACE["batch_size"]]
        part.add_argument("--batch-sizes", nargs="+", type=int, default=sizes, choices=sizes, help="a part of the grid")
    return parser


if __name__ == "__main__":
    main()
