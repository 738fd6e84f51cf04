"""What cluster files say of their nodes, read from the files that the project ships."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from panda_ray.clusters.cluster_file import read_cluster_file
from panda_ray.clusters.jobs_api import JobsApi
from panda_ray.clusters.node_types import NodeType, types_of_kuberay, types_of_ray_up
from panda_ray.clusters.open_cluster import Cluster
from panda_ray.usecases.doctor import both_sides
from support.sweeps.small_sweeps import small_sweep

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("file", "cpus", "gpus", "head_gpus"),
    [
        ("cluster.yaml", 96, 8, None),
        ("clusters/gcp.yaml", 96, 8, None),
        ("clusters/kubernetes.yaml", 11, 1, 0),
        ("clusters/kubernetes_job.yaml", 11, 1, 0),
    ],
)
def test_a_file_says_what_its_head_and_its_workers_have(
    file: str, cpus: float, gpus: float, head_gpus: float | None
) -> None:
    head, worker = read_cluster_file(str(ROOT / file)).node_types
    assert (head.cpus, head.gpus) == (0, head_gpus)
    assert (worker.cpus, worker.gpus) == (cpus, gpus)


def test_machines_that_are_listed_by_their_addresses_are_of_no_known_type() -> None:
    assert read_cluster_file(str(ROOT / "clusters/on_premise.yaml")).node_types == ()


def test_a_type_of_which_none_may_be_started_does_not_count_and_one_left_to_the_machine_may_hold_anything() -> None:
    types = {"head": {"max_workers": 0}, "off": {"max_workers": 0}, "on": {"resources": {"CPU": 4}}}
    head, on = types_of_ray_up({"head_node_type": "head", "available_node_types": types})
    assert [(each.name, each.cpus, each.gpus) for each in (head, on)] == [("head", None, None), ("on", 4, None)]
    assert head.may_hold(64, 8)
    assert on.may_hold(4, 8)
    assert not on.may_hold(5, 0)


def test_what_ray_is_told_goes_before_what_a_container_has() -> None:
    container = {"resources": {"requests": {"cpu": "1500m"}, "limits": {"nvidia.com/gpu": 4}}}
    group: dict[str, Any] = {"groupName": "gpu", "template": {"spec": {"containers": [container]}}}
    told = group | {"groupName": "told", "rayStartParams": {"num-cpus": "3", "num-gpus": "2"}}
    _, plain, said = types_of_kuberay({"spec": {"workerGroupSpecs": [group, told, group | {"maxReplicas": 0}]}})
    assert (plain.cpus, plain.gpus) == (1.5, 4)
    assert (said.cpus, said.gpus) == (3, 2)


@pytest.mark.parametrize(
    ("types", "holds", "is_refused"),
    [
        ((NodeType("head", 0, None), NodeType("cpu", 8, 0)), False, True),
        ((NodeType("head", 0, None), NodeType("cpu", 8, 0)), True, False),
        ((NodeType("head", 0, None), NodeType("gpu", 8, 2)), False, False),
        ((), False, False),
    ],
)
def test_a_stack_fails_where_neither_a_node_nor_a_type_of_node_holds_it(
    types: tuple[NodeType, ...], holds: bool, is_refused: bool
) -> None:
    cluster = Cluster("rack", JobsApi("http://127.0.0.1:9"), ("--cluster", "x"), node_types=types)
    sweep = small_sweep("x", resources={"gpus_per_stack": 2})
    found = [*both_sides.room(cluster, sweep, {"holds_stack": holds})]
    assert [each.state for each in found] == (["failure"] if is_refused else [])
    assert all("head (0 CPUs), cpu (8 CPUs, 0 GPUs)" in each.says for each in found)
