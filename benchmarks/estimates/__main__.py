"""Compare estimates with what the finished stacks of a sweep took.

`python -m benchmarks.estimates SWEEP.yaml [--set PATH=VALUE ...]`
"""

from __future__ import annotations

import argparse

import torch

from benchmarks.estimates.foresight import foresights
from benchmarks.written.results import write
from panda_ray.errors import InputError
from panda_ray.execution.planning.plan import build_plan
from panda_ray.execution.store.store import Store
from panda_ray.sweep_file import load_sweep

_FEWEST_STACKS = 4
"""Every part of them must hold a stack, and leave one."""


def main() -> None:
    """Estimate, compare and keep."""
    arguments = _parser().parse_args()
    sweep = load_sweep(arguments.sweep_file, arguments.set)
    store = Store(sweep.storage)
    plan = build_plan(sweep, store)
    records = [record for key, record in store.records() if key in plan.units]
    if len({record["stack"] for record in records if record["product"] == "prompt"}) < _FEWEST_STACKS:
        raise InputError(f"sweep {sweep.name!r} has fewer than {_FEWEST_STACKS} finished stacks; run more of it first")
    found = list(foresights(plan, records))
    print(f"{'estimated from':34} {'stacks':>6} {'took':>9} {'estimated':>10} {'ratio':>6} {'typical factor':>15}")
    for each in found:
        seconds = f"{each.took:8.1f}s {each.estimated:9.1f}s"
        print(f"{each.known:34} {each.stacks:6} {seconds} {each.ratio:6.2f} {each.typical_factor:15.2f}")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    write("estimates", device, {"sweep": sweep.name, "foresights": [each.as_json() for each in found]})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimates", description=__doc__)
    parser.add_argument("sweep_file", metavar="SWEEP.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    return parser


if __name__ == "__main__":
    main()
