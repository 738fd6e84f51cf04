"""What is said of a worker that a cloud does not start, by the lines that Ray's autoscaler writes of it."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta

import pytest
from ray.autoscaler.v2.instance_manager import node_provider

from panda_ray.execution.runners.ray_supply.cloud_refusals import cloud_refusals

NOW = datetime(2026, 12, 1, 4, 52, 40)
QUOTA = (
    "Node Launch Exception (VcpuLimitExceeded): You have requested more vCPU capacity than your current vCPU limit of "
    "0 allows for the instance bucket that the specified instance type belongs to. Please visit "
    "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."
)


def refused(node_type: str, said: str, ago: float = 5.0) -> str:
    return line(f"Failed to launch 1 nodes of type {node_type}: {said}", ago)


def line(text: str, ago: float = 5.0) -> str:
    return f"{NOW - timedelta(seconds=ago):%Y-%m-%d %H:%M:%S},821\tINFO node_provider.py:491 -- {text}\n"


def test_ray_still_writes_these_lines() -> None:
    source = inspect.getsource(node_provider)
    assert '"Failed to launch {} nodes of type {}: {}".format(node_type' in source.replace("count, ", "")
    assert '"Launched {} nodes of type {}."' in source


def test_the_last_word_on_each_type_of_worker_counts() -> None:
    log = (
        refused("gpu", "something else", 60)
        + line("Adding 1 node(s) of type gpu.")
        + "half a line of type gpu: \n"
        + refused("cpu", QUOTA, 30)
        + refused("gpu", QUOTA)
        + line("Failed to look at type gpu: no matter")
    )
    found = cloud_refusals(log, NOW)
    assert {each.node_type for each in found} == {"gpu", "cpu"}
    first = next(each.sentence for each in found if each.node_type == "gpu")
    assert first.startswith("the cloud starts no worker of type gpu: VcpuLimitExceeded, You have requested more vCPU")
    assert first.endswith(" ...")
    assert len(first) < 250


def test_a_type_of_which_one_has_come_or_that_nobody_asked_for_lately_is_not_refused() -> None:
    came = refused("gpu", QUOTA, 60) + line("Launched 2 nodes of type gpu.", 30)
    assert cloud_refusals(came, NOW) == []
    assert cloud_refusals(came + refused("gpu", QUOTA), NOW) != []
    assert cloud_refusals(refused("gpu", QUOTA, 601), NOW) == []
    assert cloud_refusals("", NOW) == []


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        (QUOTA, "ask the cloud for more of it"),
        ("Node Launch Exception (MaxSpotInstanceCountExceeded): Max spot instance count exceeded", "ask the cloud"),
        (
            "<HttpError 403 when requesting URL returned \"Quota 'NVIDIA_A100_GPUS' exceeded. Limit: 0.0\">",
            "ask the cloud",
        ),
        ("{'errors': [{'code': 'QUOTA_EXCEEDED', 'message': 'Quota A2_CPUS exceeded'}]}", "ask the cloud for more"),
        ("{'errors': [{'code': 'ZONE_RESOURCE_POOL_EXHAUSTED'}]}", "it is tried again and again; other zones"),
        (
            "Node Launch Exception (InsufficientInstanceCapacity): There is no Spot capacity available",
            "it is tried again",
        ),
        ("Node Launch Exception (SpotMaxPriceTooLow): Your Spot request price of 1.0 is lower", "raise MaxPrice"),
        ("Node Launch Exception (UnauthorizedOperation): You are not authorized", "the head may not start it: give it"),
        ("Node Launch Exception (InvalidAMIID.NotFound): The image does not exist", "monitor.log of the head has all"),
    ],
)
def test_what_is_known_has_a_remedy(said: str, remedy: str) -> None:
    (found,) = cloud_refusals(refused("gpu", said), NOW)
    assert remedy in found.remedy
    assert "\n" not in found.sentence
