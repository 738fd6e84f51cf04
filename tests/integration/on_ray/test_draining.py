"""Nodes that are taken away under running stacks, with notice and without: real raylets, and Ray's own drain call."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
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
from panda_ray.training.engine.stacked import EpochReport
from support.driving import workers_of
from support.small_sweeps import contents, planned, run_inline, small_sweep
from support.step_counting import STEPS_FILE, count_steps

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

DRAINS = 2
NOTICE_SECONDS = 30.0
EPOCHS, STEPS_PER_EPOCH = 60, 16
TESTS = Path(__file__).parents[2]


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
        self._node = self._cluster.add_node(num_cpus=1, include_log_monitor=False)

    def drain(self) -> None:
        """Say that the node goes away in `NOTICE_SECONDS`."""
        why = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")  # type: ignore[attr-defined]
        deadline = int((time.time() + NOTICE_SECONDS) * 1000)
        accepted, refusal = GcsClient(address=self.address).drain_node(self._node.node_id, why, "spot", deadline)
        assert accepted, refusal

    def shutdown(self) -> None:
        self._cluster.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv(STEPS_FILE, str(tmp_path / "steps"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), str(TESTS.parent)]))
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
        self._nodes, self._times = nodes, times
        self._is_fresh = True
        self._taken_at = 0.0
        self.seconds: list[float] = []
        """From each notice until the stack had left."""
        self.reasons: list[str] = []

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if self._is_fresh and len(self.seconds) < self._times:
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


class Thief(Taker):
    """Likewise, without notice."""

    def take(self) -> None:
        self._nodes.renew()

    def make_good(self) -> None:
        """There is another node already."""


class Killer(Listener):
    """Kills the worker of a stack in each of its first epochs, and leaves its node."""

    def __init__(self) -> None:
        self.deaths = 0

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if report.epoch == 1:
            self.deaths += 1
            for worker in workers_of(os.getpid()):
                os.kill(worker, signal.SIGKILL)


def one_stack(storage: Path, epochs: int = EPOCHS) -> Sweep:
    """A training that saves only when it is asked to."""
    return small_sweep(
        storage,
        sources=["review"],
        targets=["review"],
        methods=["prompt_tuning"],
        metrics=[],
        training={"epochs": epochs, "prompt_len": 4, "batch_size": 16, "dropout": 0.0},
        tasks={"review": {"max_train_rows": 16 * STEPS_PER_EPOCH, "max_dev_rows": 24}},
        resources={"checkpoint_seconds": 1e6},
    )


def allow_deaths(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_workers, "MAX_DEATHS", count)


def run(sweep: Sweep, listener: Listener) -> RunSummary:
    plan, store = planned(sweep)
    assert len(plan.stacks) == 1
    return run_plan(plan, Costs.in_store(plan, store), store, RayTuneRunner("auto"), [listener])


def test_stacks_leave_drained_nodes_in_time_and_lose_at_most_a_step(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No drained node counts as a death of the stack's worker."""
    allow_deaths(0, monkeypatch)
    taker = Taker(nodes, DRAINS)
    summary = run(one_stack(tmp_path / "drained"), taker)
    assert summary.complete
    assert summary.preemptions == len(taker.seconds) == DRAINS
    assert max(taker.seconds) < NOTICE_SECONDS
    # A drained node whose last worker has left ends by itself, sometimes before the driver asks for it.
    assert set(taker.reasons) <= {f"its node {this_host()} is {where}" for where in ("going away", "gone")}
    steps = (tmp_path / "steps").stat().st_size
    assert EPOCHS * STEPS_PER_EPOCH <= steps <= EPOCHS * STEPS_PER_EPOCH + DRAINS
    assert not list((tmp_path / "drained").glob("leases/*"))
    run_inline(one_stack(tmp_path / "quiet"))
    assert contents(tmp_path / "drained") == contents(tmp_path / "quiet")


def test_a_lost_node_is_no_death_of_a_worker_and_a_killed_worker_is_one(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_deaths(0, monkeypatch)
    thief = Thief(nodes, 1)
    robbed = run(one_stack(tmp_path / "robbed", epochs=10), thief)
    assert robbed.complete
    assert robbed.preemptions == 1
    assert thief.reasons == [f"its node {this_host()} is gone"]
    allow_deaths(1, monkeypatch)
    killer = Killer()
    killed = run(one_stack(tmp_path / "killed", epochs=10), killer)
    assert killer.deaths == 2
    assert killed.preemptions == 0
    [reason] = killed.failed.values()
    assert "its worker died 2 times" in reason
