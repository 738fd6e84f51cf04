"""`python -m benchmarks.choosing SWEEP`: the tables of docs/metrics.md, from the store of a sweep that has run."""

from __future__ import annotations

import argparse

from benchmarks.choosing.finished import finished_seeds
from benchmarks.choosing.over_seeds import compared_with, figures, table


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sweep", help="a sweep file, or a shipped sweep by name")
    parser.add_argument("--against", default="task_embedding", help="the metric that others are compared with")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as of `panda-ray run`")
    options = parser.parse_args()
    finished = finished_seeds(options.sweep, options.set)
    print(f"{len(finished.by_seed)} seeds are complete, {finished.pairs} pairs each\n")
    by_metric = figures(finished.by_seed)
    print(table(by_metric, finished.seconds))
    print(compared_with(by_metric, options.against))


if __name__ == "__main__":
    main()
