"""The head of a cluster on Google Cloud: the running instance with the labels that `ray up` gives it, by `gcloud`."""

from __future__ import annotations

import json
from pathlib import Path

from panda_ray.clusters.cluster_file import ClusterFile
from panda_ray.clusters.heads.head import SshHead
from panda_ray.clusters.heads.provider_tool import ask
from panda_ray.clusters.unreachable import UnreachableError
from panda_ray.errors import InputError


def find(file: ClusterFile) -> SshHead:
    """Ask gcloud.

    Raises:
        InputError: the file names no project, or gcloud is not installed.
        UnreachableError: gcloud cannot be asked, or knows no running head of that name.
    """
    project = file.provider.get("project_id")
    if not isinstance(project, str):
        raise InputError(f"{file.path}: `provider` has no `project_id`")
    wanted = f"labels.ray-cluster-name={file.name} AND labels.ray-node-type=head AND status=RUNNING"
    command = ("gcloud", "compute", "instances", "list", "--format=json", "--project", project, "--filter", wanted)
    found = json.loads(ask(command, file.path))
    if not found:
        raise UnreachableError(
            f"{file.path}: no head of {file.name!r} runs in {project}; start the cluster: ray up {file.path}"
        )
    interface = found[0]["networkInterfaces"][0]
    inside = interface["networkIP"]
    outside = [access["natIP"] for access in interface.get("accessConfigs", ()) if access.get("natIP")]
    host = inside if file.provider.get("use_internal_ips") or not outside else outside[0]
    return SshHead(host, file.user, file.key or _key_of(file, project), file.proxy_command)


def _key_of(file: ClusterFile, project: str) -> str | None:
    """The file in which `ray up` keeps the key that it makes."""
    name = f"ray-autoscaler_gcp_{file.provider.get('region')}_{project}_{file.user}_*.pem"
    keys = sorted((Path.home() / ".ssh").glob(name))
    return str(keys[-1]) if keys else None
