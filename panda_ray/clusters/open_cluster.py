"""An open way to a cluster, by its file through a tunnel or by its address; all from a laptop goes through it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from panda_ray.clusters.cluster_file import read_cluster_file
from panda_ray.clusters.heads.find import find_head
from panda_ray.clusters.heads.head import LOOPBACK
from panda_ray.clusters.jobs_api import JobsApi, check_url
from panda_ray.clusters.node_types import NodeType
from panda_ray.clusters.tunnel import Tunnel, open_tunnel
from panda_ray.errors import InputError

DASHBOARD_PORT = 8265
MLFLOW_PORT = 5000


@dataclass(frozen=True)
class Cluster:
    """A cluster that can be reached.

    Attributes:
        title: for messages: the file's name of it, or the address.
        jobs: its Jobs API.
        option: the words of a command line that name it again.
        node_types: what its file says of its nodes.
    """

    title: str
    jobs: JobsApi
    option: tuple[str, str]
    tunnel: Tunnel | None = None
    node_types: tuple[NodeType, ...] = ()

    def url(self, port: int) -> str:
        """A port of the head as a URL of this machine; only those that the way was opened with.

        Raises:
            InputError: the cluster was given by its address, which leads to the dashboard alone.
        """
        if self.tunnel is None:
            raise InputError(f"port {port} of the head is reached through a tunnel: give --cluster FILE, not --address")
        return f"http://{LOOPBACK}:{self.tunnel.ports[port]}"

    def reopen(self) -> None:
        """Make the tunnel anew if it broke.

        Raises:
            UnreachableError: the head does not let us through.
        """
        if self.tunnel is not None:
            self.tunnel.keep()


@contextmanager
def open_cluster(file: str | None, address: str | None, ports: Sequence[int] = (DASHBOARD_PORT,)) -> Iterator[Cluster]:
    """A way to a cluster while the context lasts.

    Args:
        file: cluster file; its head is found, and a tunnel made to it.
        address: `http://host:port` of its Jobs API instead.
        ports: of the head, the dashboard's among them.

    Raises:
        InputError: neither or both are given, or what is given cannot be read.
        UnreachableError: there is no such cluster, or it lets nobody in.
    """
    if (file is None) == (address is None):
        raise InputError("name one cluster: --cluster FILE, or --address http://HOST:8265 of its Jobs API")
    if address is not None:
        check_url(address)
        yield Cluster(address, JobsApi(address), ("--address", address))
        return
    assert file is not None
    described = read_cluster_file(file)
    with open_tunnel(find_head(described), ports) as tunnel:
        jobs = JobsApi(f"http://{LOOPBACK}:{tunnel.ports[DASHBOARD_PORT]}")
        yield Cluster(described.name, jobs, ("--cluster", file), tunnel, described.node_types)
