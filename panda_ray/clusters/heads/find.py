"""The head of the cluster that a file describes, whoever provides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from panda_ray.clusters.cluster_file import ClusterFile
from panda_ray.clusters.heads import aws, gcp, kubernetes, local
from panda_ray.clusters.heads.head import Head

_FINDERS: Mapping[str, Callable[[ClusterFile], Head]] = {
    "local": local.find,
    "aws": aws.find,
    "gcp": gcp.find,
    "kubernetes": kubernetes.find,
}


def find_head(file: ClusterFile) -> Head:
    """Where the head is now; a cloud is asked.

    Raises:
        InputError: the file lacks what is needed to ask.
        UnreachableError: there is no such cluster, or its provider cannot be asked from here.
    """
    return _FINDERS[file.kind](file)
