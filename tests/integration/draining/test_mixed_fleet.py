"""A sweep on nodes of two kinds, told apart by Ray's labels: a real cluster of one machine, and no real GPU."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import ray
from ray._raylet import RAY_NODE_ACCELERATOR_TYPE_KEY  # type: ignore[attr-defined]
from ray.cluster_utils import Cluster

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.run_plan import run_plan
from support.sweeps.small_sweeps import contents, planned, run_inline, small_sweep

# In this folder for its Cluster: docs/LOG.md, "Two Rays in one process".
pytestmark = [pytest.mark.cluster, pytest.mark.slow]

_STARTS = 5
_TESTS = Path(__file__).parents[2]
WORKERS = [{"accelerator": "A100"}, {"accelerator": "cpu", "speed": 0.9}]


@pytest.fixture
def two_kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A head that calls itself an A100, and a node without an accelerator."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(_TESTS), str(_TESTS.parent)]))
    labels = {RAY_NODE_ACCELERATOR_TYPE_KEY: "A100"}
    head = {"num_cpus": 1, "num_gpus": 1, "labels": labels, "include_dashboard": False, "no_monitor": True}
    cluster = Cluster(initialize_head=True, head_node_args={**head, "include_log_monitor": False})
    try:
        for _ in range(_STARTS):  # a raylet aborts whose agent is late, as on a busy machine
            with suppress(Exception):  # Ray raises no other
                cluster.add_node(num_cpus=1, include_log_monitor=False)
                break
        ray.init(address=cluster.address, log_to_driver=False)
        yield
    finally:
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]


class Placed(Listener):
    """Which units each kind got."""

    def __init__(self) -> None:
        self.stacks: defaultdict[str | None, int] = defaultdict(int)

    def on_stack_started(self, stack: Stack) -> None:
        self.stacks[stack.accelerator] += 1


@pytest.mark.usefixtures("two_kinds")
def test_stacks_run_on_nodes_of_the_kind_that_they_are_given_to_with_the_results_of_one_process(tmp_path: Path) -> None:
    few: dict[str, Any] = {"methods": ["prompt_tuning"], "metrics": [], "seeds": [1, 2, 3, 4]}
    sweep = small_sweep(tmp_path / "mixed", **few, resources={"workers": WORKERS, "max_stack": 1})
    plan, store = planned(sweep)
    assert len(plan.stacks) > 2
    placed = Placed()
    summary = run_plan(plan, Costs.of(plan, ()), store, RayTuneRunner("auto"), [placed])
    assert summary.complete
    assert set(placed.stacks) == {"A100", "cpu"}
    assert sum(placed.stacks.values()) == len(plan.stacks)
    run_inline(small_sweep(tmp_path / "alike", **few, resources={"max_stack": 1}))
    assert contents(tmp_path / "mixed") == contents(tmp_path / "alike")
