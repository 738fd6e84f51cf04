"""Nodes of one machine that go away under a stack, one after another, by Ray's own drain call."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import ray
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.cluster_utils import Cluster
from ray.core.generated import autoscaler_pb2

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener, RunSummary
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_leaving import lost_workers
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.run_plan import run_plan
from panda_ray.execution.work.host import this_host
from panda_ray.sweep import Sweep
from panda_ray.training.engine.epoch_report import EpochReport
from support.sweeps.small_sweeps import contents, planned, run_inline, small_sweep
from support.sweeps.step_counting import STEPS_FILE, count_steps

NOTICE_SECONDS = 30.0
_STARTS = 5
_EPOCHS, _STEPS_PER_EPOCH = 60, 16
_TESTS = Path(__file__).parents[2]


class Nodes:
    """One node at a time on which stacks may run, beside a head on which none may."""

    def __init__(self) -> None:
        head = {"num_cpus": 0, "include_dashboard": False, "no_monitor": True, "include_log_monitor": False}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address: str = self._cluster.address
        self._node: Any = None

    def renew(self) -> None:
        """Take the node away as a cloud does, without a word, and bring another one."""
        if self._node is not None:
            self._cluster.remove_node(self._node, allow_graceful=False)
        self._node = self._started()

    def _started(self) -> Any:
        """A raylet aborts whose agent has not written down its port in 15 s, as on a busy machine: then another one."""
        for _ in range(_STARTS - 1):
            with suppress(Exception):  # Ray raises no other
                return self._cluster.add_node(num_cpus=1, include_log_monitor=False)
        return self._cluster.add_node(num_cpus=1, include_log_monitor=False)

    def drain(self) -> None:
        """Say that the node goes away in `NOTICE_SECONDS`."""
        why = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")  # type: ignore[attr-defined]
        deadline = int((time.time() + NOTICE_SECONDS) * 1000)
        accepted, refusal = GcsClient(address=self.address).drain_node(self._node.node_id, why, "spot", deadline)
        assert accepted, refusal

    def shutdown(self) -> None:
        self._cluster.shutdown()  # type: ignore[no-untyped-call]


@contextmanager
def leaving_nodes(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    """A cluster that this process is a driver of; each step of a training on it is a byte of `folder/steps`."""
    patch.setenv("RAY_AUTH_MODE", "disabled")
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv(STEPS_FILE, str(folder / "steps"))
    patch.setenv("PYTHONPATH", os.pathsep.join([str(_TESTS), str(_TESTS.parent)]))
    nodes = Nodes()
    try:
        nodes.renew()
        ray.init(address=nodes.address, log_to_driver=False, runtime_env={"worker_process_setup_hook": count_steps})
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()


class Taker(Listener):
    """Takes the node away after the first epoch that a stack reports on it."""

    def __init__(self, nodes: Nodes, times: int) -> None:
        self.times = times
        self._nodes = nodes
        self._is_fresh = True
        self._taken_at = 0.0
        self.seconds: list[float] = []
        """From each notice until the stack had left."""
        self.reasons: list[str] = []

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if self._is_fresh and len(self.seconds) < self.times:
            self._is_fresh = False
            self._taken_at = time.monotonic()
            self.take()

    def take(self) -> None:
        self._nodes.drain()

    def on_lost(self, stack: Stack, reason: str) -> None:
        self.seconds.append(time.monotonic() - self._taken_at)
        self.reasons.append(reason)
        self.make_good()
        self._is_fresh = True

    def make_good(self) -> None:
        self._nodes.renew()


def one_stack(storage: Path, epochs: int = _EPOCHS) -> Sweep:
    """A training that saves only when it is asked to."""
    return small_sweep(
        storage,
        sources=["review"],
        targets=["review"],
        methods=["prompt_tuning"],
        metrics=[],
        training={"epochs": epochs, "prompt_len": 4, "batch_size": 16, "dropout": 0.0},
        tasks={"review": {"max_train_rows": 16 * _STEPS_PER_EPOCH, "max_dev_rows": 24}},
        resources={"checkpoint_seconds": 1e6},
    )


def allow_deaths(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_workers, "MAX_DEATHS", count)


def run(sweep: Sweep, listener: Listener) -> RunSummary:
    plan, store = planned(sweep)
    assert len(plan.stacks) == 1
    return run_plan(plan, Costs.in_store(plan, store), store, RayTuneRunner("auto"), [listener])


def undisturbed(storage: Path) -> dict[str, Any]:
    """What a store holds in which nothing was taken from the stack."""
    run_inline(one_stack(storage))
    return contents(storage)


def check_left_in_time(taker: Taker, folder: Path, expected: Mapping[str, Any], patch: pytest.MonkeyPatch) -> None:
    """One stack leaves every node that is taken: in time, with at most a step lost each, and ends as `undisturbed`.

    No such node counts as a death of the stack's worker.
    """
    allow_deaths(0, patch)
    summary = run(one_stack(folder / "drained"), taker)
    assert summary.complete
    assert summary.preemptions == len(taker.seconds) == taker.times
    assert max(taker.seconds) < NOTICE_SECONDS
    # A drained node whose last worker has left ends by itself, sometimes before the driver asks for it.
    assert set(taker.reasons) <= {f"its node {this_host()} is {where}" for where in ("going away", "gone")}
    steps = (folder / "steps").stat().st_size
    assert _EPOCHS * _STEPS_PER_EPOCH <= steps <= _EPOCHS * _STEPS_PER_EPOCH + taker.times
    assert not list((folder / "drained").glob("leases/*"))
    assert contents(folder / "drained") == expected
