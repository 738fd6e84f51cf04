"""The network interface that the workers of a group meet on: the one that carries Ray's address of their node."""

from __future__ import annotations

import os
import socket

import psutil
import pytest

from panda_ray.execution.runners.ray_group import connect
from panda_ray.execution.runners.ray_group.connect import HostsConfig, interface_of


@pytest.fixture
def interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a container's bridge, a card with both kinds of address, and the loopback."""

    def entry(family: int, address: str) -> psutil._ntuples.snicaddr:
        return psutil._ntuples.snicaddr(family, address, None, None, None)

    there = {
        "lo": [entry(socket.AF_INET, "127.0.0.1")],
        "docker0": [entry(socket.AF_INET, "172.17.0.1")],
        "ens5": [
            entry(socket.AF_PACKET, "0a:ff:d3:6e:11:2b"),
            entry(socket.AF_INET, "10.0.0.7"),
            entry(socket.AF_INET6, "fe80::8ff:d3ff:fe6e:112b%ens5"),
        ],
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: there)


@pytest.mark.usefixtures("interfaces")
class TestInterface:
    @pytest.mark.parametrize(
        ("address", "name"),
        [("10.0.0.7", "ens5"), ("127.0.0.1", "lo"), ("fe80::8ff:d3ff:fe6e:112b", "ens5"), ("10.0.0.9", None)],
    )
    def test_is_the_one_that_has_the_address(self, address: str, name: str | None) -> None:
        assert interface_of(address) == name

    def test_is_named_to_gloo_and_nccl_unless_somebody_has_named_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connect.ray.util, "get_node_ip_address", lambda: "10.0.0.7")
        names = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
        for name in names:
            monkeypatch.setenv(name, "")  # or what is set here stays set
            monkeypatch.delenv(name)
        connect._name_interface()
        assert [os.environ[name] for name in names] == ["ens5", "=ens5"]
        monkeypatch.setenv("NCCL_SOCKET_IFNAME", "ib0")
        connect._name_interface()
        assert [os.environ[name] for name in names] == ["ens5", "ib0"]


def test_train_asks_the_configuration_for_our_way_of_connecting() -> None:
    assert HostsConfig(backend="gloo").backend_cls is connect._HostsBackend
