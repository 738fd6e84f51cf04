"""Nodes that are taken away under running stacks, with notice and without: real raylets, and Ray's own drain call."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from panda_ray.execution.events import Listener
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.work.host import this_host
from panda_ray.training.engine.epoch_report import EpochReport
from support.processes.draining import (
    Nodes,
    Taker,
    allow_deaths,
    check_left_in_time,
    leaving_nodes,
    one_stack,
    run,
    undisturbed,
)
from support.processes.driving import workers_of

# The folder comes before others with a Ray in their process: docs/LOG.md, "Two Rays in one process".
pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    with leaving_nodes(tmp_path, monkeypatch) as nodes:
        yield nodes


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


def test_stacks_leave_drained_nodes_in_time_and_lose_at_most_a_step(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty of them are in tests/hosts."""
    check_left_in_time(Taker(nodes, 2), tmp_path, undisturbed(tmp_path / "quiet"), monkeypatch)


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
