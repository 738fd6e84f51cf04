"""MLflow of a cluster, as it is reached from a machine that is no node of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from panda_ray.clusters.open_cluster import DASHBOARD_PORT, MLFLOW_PORT, Cluster, open_cluster
from panda_ray.clusters.unreachable import UnreachableError
from panda_ray.tracking.server.http import is_mlflow

PORTS = (DASHBOARD_PORT, MLFLOW_PORT)


@dataclass(frozen=True)
class ClusterMlflow:
    """The way to it.

    Attributes:
        title: of the cluster, for people.
    """

    cluster: Cluster

    @property
    def title(self) -> str:
        return f"cluster {self.cluster.title}"

    def uri(self) -> str:
        """Its tracking URI; a way that broke, while a laptop slept say, is made anew first.

        Raises:
            UnreachableError: the head lets nobody in, or no MLflow answers there.
        """
        self.cluster.reopen()
        uri = self._uri()
        if not is_mlflow(uri):
            raise UnreachableError(self._problem(uri))
        return uri

    def _uri(self) -> str:
        if self.cluster.tunnel is not None:
            return self.cluster.url(MLFLOW_PORT)
        parts = urlsplit(self.cluster.jobs.url)
        return f"{parts.scheme}://{parts.hostname}:{MLFLOW_PORT}"

    def _problem(self, uri: str) -> str:
        if self.cluster.tunnel is not None:
            return (
                f"no MLflow answers on port {MLFLOW_PORT} of the head of {self.title}; start it there: panda-ray serve"
            )
        return (
            f"no MLflow answers at {uri}, beside the Jobs API that --address names; "
            "forward that port of the head, too, or give --cluster FILE"
        )


@contextmanager
def cluster_mlflow(file: str | None, address: str | None) -> Iterator[ClusterMlflow]:
    """The way while the context lasts; nothing is asked before `uri`.

    Args:
        file: of the cluster.
        address: of its Jobs API instead, `http://host:port`.

    Raises:
        InputError: neither or both are given, or what is given cannot be read.
        UnreachableError: there is no way to the head.
    """
    with open_cluster(file, address, PORTS) as cluster:
        yield ClusterMlflow(cluster)
