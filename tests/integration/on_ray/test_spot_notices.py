"""A cloud's notice reaches Ray: the program that workers' start commands run, beside real raylets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import ray
from ray._private.state import state
from ray.cluster_utils import Cluster

from support.servers.metadata_server import Cloud, drain_on_notice, metadata_server

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head, which no notice concerns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        head = {"num_cpus": 0, "include_dashboard": False, "no_monitor": True, "include_log_monitor": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            ray.init(address=cluster.address, log_to_driver=False)
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()  # type: ignore[no-untyped-call]


def work(name: str) -> Any:
    """What a node that drains stays for: an idle one ends at once. Detached: in a process that has had another Ray
    before, this Ray takes an actor for one that nobody refers to."""

    class Work:
        def node(self) -> str:
            return str(ray.get_runtime_context().get_node_id())

    return ray.remote(num_cpus=1)(Work).options(name=name, lifetime="detached").remote()


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_a_notice_drains_the_workers_of_its_machine_until_its_time(cluster: Cluster, cloud: Cloud) -> None:
    node = cluster.add_node(num_cpus=1, include_log_monitor=False)
    going_on = work(cloud)
    assert ray.get(going_on.node.remote()) == node.node_id
    with metadata_server(cloud) as server, drain_on_notice(cluster.address, server) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening for a notice of ")
        while len(server.asked) < 2:
            time.sleep(0.1)
        assert state.get_draining_nodes() == {}
        deadline = float(int(time.time()) + (90 if cloud == "aws" else 30))
        server.give_notice(deadline)
        assert " takes this machine back in " in process.stdout.readline()
        [(drained, at)] = state.get_draining_nodes().items()
        assert drained == node.node_id
        assert abs(at / 1000 - deadline) < (0.001 if cloud == "aws" else 5.0)
        assert process.wait(timeout=60) == 0
    ray.kill(going_on)
    cluster.remove_node(node)


def test_the_program_ends_with_the_nodes_of_its_machine(cluster: Cluster) -> None:
    node = cluster.add_node(num_cpus=1, include_log_monitor=False)
    with metadata_server("gcp") as server, drain_on_notice(cluster.address, server) as process:
        assert process.stdout is not None
        while len(server.asked) < 2:
            time.sleep(0.1)
        cluster.remove_node(node)
        assert "ended without a notice" in process.stdout.read()
        assert process.wait(timeout=60) == 0
