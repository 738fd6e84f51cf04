"""Three long stacks on the cluster of this machine, which may grow; says how many nodes there are when one starts.

python -m support.processes.growing STORAGE
"""

from __future__ import annotations

import sys
from pathlib import Path

import ray
from ray.util.placement_group import placement_group_table

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.run_plan import run_plan
from panda_ray.execution.scheduling.shapes import allotment
from panda_ray.sweep import Sweep
from support.sweeps.small_sweeps import planned, small_sweep

TASKS = ["review", "kinds", "remark"]


def three_stacks(storage: Path | str) -> Sweep:
    """One per task, which share nothing."""
    training = {"epochs": 150, "prompt_len": 4, "batch_size": 16}
    return small_sweep(storage, sources=TASKS, methods=["prompt_tuning"], targets=TASKS, metrics=[], training=training)


class Printer(Listener):
    def on_stack_started(self, stack: Stack) -> None:
        nodes = sum(node["Alive"] for node in ray.nodes()) - 1  # type: ignore[no-untyped-call]
        print("started on one of", nodes, flush=True)


def main() -> None:
    allotment.SHORT_SECONDS = 0.0
    plan, store = planned(three_stacks(sys.argv[1]))
    ray.init("auto", log_to_driver=False)
    summary = run_plan(plan, Costs.in_store(plan, store), store, RayTuneRunner("auto"), [Printer()])
    print("complete" if summary.complete else summary.interrupted, flush=True)
    print("wanted", sum(group["state"] != "REMOVED" for group in placement_group_table().values()), flush=True)


if __name__ == "__main__":
    main()
