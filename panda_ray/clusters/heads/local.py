"""The head of a cluster on given machines: its address stands in the file."""

from __future__ import annotations

from panda_ray.clusters.cluster_file import ClusterFile
from panda_ray.clusters.heads.head import SshHead
from panda_ray.errors import InputError


def find(file: ClusterFile) -> SshHead:
    """Raises: InputError where the file does not name the head."""
    host = file.provider.get("head_ip")
    if not isinstance(host, str):
        raise InputError(f"{file.path}: `provider` has no `head_ip`")
    return SshHead(host, file.user, file.key, file.proxy_command)
