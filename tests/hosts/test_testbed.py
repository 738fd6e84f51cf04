"""The hosts themselves: separate where machines are, lost and found as machines are, and enough for `ray up`."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
import requests

from testbed import Cluster, Host, Laptop, Testbed
from testbed.cluster import ssh_options


@pytest.fixture(scope="module")
def hosts(testbed: Testbed) -> list[Host]:
    return testbed.start_hosts(3)


def over_ssh(laptop: Laptop, testbed: Testbed, host: Host, command: str) -> str:
    return laptop.run("ssh", *ssh_options(testbed.key), f"root@{host.address}", command).stdout.strip()


def test_each_host_has_its_own_name_processes_and_folders(testbed: Testbed, laptop: Laptop, hosts: list[Host]) -> None:
    assert [over_ssh(laptop, testbed, host, "hostname") for host in hosts] == ["panda1", "panda2", "panda3"]
    one, two, _ = hosts
    for folder in ("/root", "/tmp/ray", "/var/lib/panda-ray", "/dev/shm"):
        one.run("touch", f"{folder}/seen-by-one")
        assert two.run("test", "-e", f"{folder}/seen-by-one", check=False).returncode == 1, folder
    one.run("touch", str(testbed.share / "seen-by-all"))
    two.run("test", "-e", str(testbed.share / "seen-by-all"))
    assert len(two.run("ps", "-e", "--no-headers").stdout.splitlines()) < 5


def test_a_lost_host_comes_back_with_its_disk(testbed: Testbed, laptop: Laptop, hosts: list[Host]) -> None:
    host = hosts[0]
    host.run("touch", "/root/kept")
    host.kill()
    assert laptop.run("ssh", *ssh_options(testbed.key), f"root@{host.address}", "true", check=False).returncode
    host.start()
    assert over_ssh(laptop, testbed, host, "ls /root/kept") == "/root/kept"


def test_a_cut_network_reaches_nobody_until_it_is_mended(testbed: Testbed, laptop: Laptop, hosts: list[Host]) -> None:
    one, two, _ = hosts
    one.cut()
    assert two.run("ssh", "-o", "ConnectTimeout=2", one.address, "true", check=False).returncode
    assert one.run("hostname").stdout.strip() == "panda1"
    one.mend()
    assert over_ssh(laptop, testbed, one, "hostname") == "panda1"


@pytest.fixture(scope="module")
def cluster(testbed: Testbed, laptop: Laptop, hosts: list[Host]) -> Cluster:
    cluster = Cluster(testbed, laptop, hosts, GREETING="hello")
    cluster.up()
    return cluster


def test_ray_up_a_job_and_ray_down(laptop: Laptop, cluster: Cluster) -> None:
    with cluster.tunnel(8265) as tunnel:
        assert status_without_token("http://127.0.0.1:8265/api/jobs/") == 401
        tunnel.kill()
    assert cluster.job("greeting-1", "echo $GREETING from $(hostname)") == "SUCCEEDED"
    assert "hello from panda1" in cluster.log_of("greeting-1")
    cluster.down()
    for host in (cluster.head, *cluster.workers):
        assert "raylet" not in host.run("ps", "-eo", "comm").stdout


def status_without_token(url: str) -> int:
    """Of a URL that answers from some time on."""
    for _ in range(60):
        with suppress(requests.ConnectionError):
            return requests.get(url, timeout=9).status_code
        time.sleep(1)
    raise AssertionError(f"{url} does not answer")
