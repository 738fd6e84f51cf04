"""The head of a cluster of KubeRay: the pod with the operator's labels, by `kubectl` and its current context."""

from __future__ import annotations

from panda_ray.clusters.cluster_file import ClusterFile
from panda_ray.clusters.heads.head import PodHead
from panda_ray.clusters.heads.provider_tool import ask
from panda_ray.clusters.unreachable import UnreachableError


def find(file: ClusterFile) -> PodHead:
    """Ask kubectl.

    Raises:
        InputError: kubectl is not installed.
        UnreachableError: kubectl cannot be asked, or knows no running head of that name.
    """
    namespace = file.provider["namespace"]
    kubectl = ("kubectl", *(("--namespace", namespace) if namespace else ()), "get")
    name = file.name
    if file.provider["kind"] == "RayJob":  # the operator gives its cluster a name of its own
        name = ask((*kubectl, "rayjob", file.name, "-o", "jsonpath={.status.rayClusterName}"), file.path).strip()
    labels = f"ray.io/cluster={name},ray.io/node-type=head"
    running = ("--field-selector", "status.phase=Running", "-o", "jsonpath={.items[*].metadata.name}")
    pods = ask((*kubectl, "pods", "--selector", labels, *running), file.path).split()
    if not name or not pods:
        raise UnreachableError(
            f"{file.path}: no head of {file.name!r} runs; start the cluster: kubectl apply -f {file.path}"
        )
    return PodHead(pods[0], namespace)
