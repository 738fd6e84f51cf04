"""How the workers of a group reach each other: over the interface that carries the address by which Ray knows a node.

gloo asks what the host's own name stands for, and many a machine says 127.0.0.1: then two hosts never meet. NCCL takes
the first interface that it finds. Ray's address of a node is one at which the other nodes have reached it.
"""

from __future__ import annotations

import ipaddress
import json
import os
from dataclasses import dataclass
from typing import Any

import psutil  # type: ignore[import-untyped]  # comes with Ray
import ray
from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_get, _internal_kv_put
from ray.train.backend import BackendConfig
from ray.train.torch import TorchConfig
from ray.train.torch.config import _TorchBackend

from panda_ray.execution.runners.ray_group.losses import Place, UnreachableError
from panda_ray.execution.runners.ray_leaving.nodes import this_node
from panda_ray.execution.runners.ray_leaving.workers import this_worker
from panda_ray.execution.work.host import this_host

_VARIABLES = {"GLOO_SOCKET_IFNAME": "{}", "NCCL_SOCKET_IFNAME": "={}"}
"""NCCL would take a bare name for the beginning of several."""


@dataclass
class HostsConfig(TorchConfig):
    """A process group whose workers may be on several hosts.

    Attributes:
        group: its id, by which `places_of` knows it.
    """

    group: str = ""

    @property
    def backend_cls(self) -> type[_TorchBackend]:
        return _HostsBackend


class _HostsBackend(_TorchBackend):
    def on_start(self, worker_group: Any, backend_config: BackendConfig) -> None:
        """Say where the workers are, name the interface on each of them, then connect.

        Raises:
            UnreachableError: they cannot connect.
            RayActorError: one died meanwhile.
        """
        assert isinstance(backend_config, HostsConfig), "it is the backend of no other"
        places: list[Place] = worker_group.execute(_place)
        _internal_kv_put(_key(backend_config.group), json.dumps(places).encode())
        worker_group.execute(_name_interface)
        try:
            super().on_start(worker_group, backend_config)
        except RuntimeError as error:  # of gloo, of NCCL, of the store where they meet: all are one
            raise UnreachableError(f"its workers do not reach each other ({_last_line(error)})") from error


def places_of(group: str) -> list[Place]:
    """Where a group's workers are, by their rank; none where they never started."""
    return [Place(*place) for place in json.loads(_internal_kv_get(_key(group)) or b"[]")]


def forget(group: str) -> None:
    """Leave nothing of a group that has ended."""
    _internal_kv_del(_key(group))


def _key(group: str) -> bytes:
    return f"panda_ray/group/{group}".encode()


def _place() -> Place:
    return Place(this_host(), this_node(), this_worker())


def _name_interface() -> None:
    """In a worker; what the environment says already stays."""
    address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    if (name := interface_of(address)) is not None:
        for variable, text in _VARIABLES.items():
            os.environ.setdefault(variable, text.format(name))


def interface_of(address: str) -> str | None:
    """The name of this machine's network interface with an IP address; None where none has it."""
    wanted = ipaddress.ip_address(address)
    for name, entries in psutil.net_if_addrs().items():
        for entry in entries:
            if _parsed(entry.address) == wanted:
                return str(name)
    return None


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address without its zone; None for one of hardware."""
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


def _last_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
