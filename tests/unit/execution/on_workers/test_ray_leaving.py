"""Whose fault a loss is: nobody's while a node is asked about, then its node's or the worker's own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import pytest

from panda_ray.execution.runners.ray_leaving import lost_workers
from panda_ray.execution.runners.ray_leaving.lost_workers import MAX_DEATHS, Loss, Losses

NODES = {"first": "a", "second": "b"}


@dataclass
class Cluster:
    """Stands for what Ray's control service knows, and for the time."""

    gone: set[str] = field(default_factory=set)
    died: set[str] = field(default_factory=set)
    now: float = 0.0


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()
    monkeypatch.setattr(lost_workers, "node_of", NODES.get)
    monkeypatch.setattr(lost_workers, "is_leaving", lambda node: node in cluster.gone)
    monkeypatch.setattr(lost_workers, "died_alone", lambda worker: worker in cluster.died)
    monkeypatch.setattr(lost_workers.time, "monotonic", lambda: cluster.now)
    return cluster


def node_goes(cluster: Cluster) -> None:
    cluster.gone.add("a")


def worker_dies(cluster: Cluster) -> None:
    cluster.died.add("first")


def node_stays_for_long(cluster: Cluster) -> None:
    cluster.now = 100.0


@pytest.mark.parametrize(("event", "verdict"), [(node_goes, True), (worker_dies, False), (node_stays_for_long, False)])
@pytest.mark.parametrize("workers", [["first"], ["first", "second"]])
def test_a_loss_is_nobodys_until_a_node_is_gone_or_a_process_died_alone_or_the_node_stays_for_long(
    cluster: Cluster, event: Callable[[Cluster], None], verdict: bool, workers: Collection[str]
) -> None:
    loss = Loss(workers)
    cluster.now = 70.0
    assert loss.is_preemption() is None
    event(cluster)
    assert loss.is_preemption() is verdict


@pytest.mark.parametrize("workers", [[], ["one that never came to a node"]])
def test_a_loss_of_nobody_knows_whom_is_no_nodes_fault(cluster: Cluster, workers: list[str]) -> None:
    assert Loss(workers).is_preemption() is False


def test_only_workers_that_died_alone_use_up_what_a_stack_may_lose(cluster: Cluster) -> None:
    lost = Losses()
    lost.add(Loss(["first"]))
    assert lost.left == MAX_DEATHS, "nobody knows"
    cluster.died.add("first")
    assert lost.left == MAX_DEATHS - 1
    for _ in range(MAX_DEATHS):
        lost.add(Loss(["first"]))
    assert lost.left == -1
    cluster.gone.add("a")
    assert lost.left == MAX_DEATHS, "they were the first signs of the node's end"
