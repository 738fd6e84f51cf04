"""What a laptop and a cluster are to each other: their versions, and whether the cluster file can bring what lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from panda_ray.clusters.open_cluster import Cluster
from panda_ray.sweep import Sweep
from panda_ray.usecases.doctor.case import Finding


def code(title: str, here: Mapping[str, str | None], there: Mapping[str, str | None]) -> Iterator[Finding]:
    """Whether both have the same panda_ray."""
    if here["code"] != there.get("code"):
        says = f"panda_ray is {_named(here)} here and {_named(there)} on cluster {title}"
        yield Finding("both sides", "warning", says, "`panda-ray submit` sends the code of this machine with the job")
    else:
        yield Finding("both sides", "ok", f"panda_ray is {_named(here)} here and on cluster {title}")


def mlflow(title: str, here: Mapping[str, str | None], there: Mapping[str, str | None]) -> Iterator[Finding]:
    """Whether what the cluster logs can be read here; neither side needs the other's Ray."""
    majors = [str(side.get("mlflow") or "").partition(".")[0] for side in (here, there)]
    if all(majors) and majors[0] != majors[1]:
        says = f"MLflow is {here['mlflow']} here and {there['mlflow']} on cluster {title}"
        yield Finding("both sides", "failure", says, "install the same major version on both sides")


def room(cluster: Cluster, sweep: Sweep, facts: Mapping[str, Any]) -> Iterator[Finding]:
    """A failure where no node holds a stack, and no kind of node that could be started does.

    Args:
        facts: of the cluster's nodes, as `cluster_nodes.py` has them.
    """
    resources = sweep.resources
    each_kind = [resources.on(kind) for kind in resources.kinds] or [resources]
    sizes = [(on_kind.cpus_per_stack, on_kind.gpus_per_stack) for on_kind in each_kind]
    if facts.get("holds_stack", True) or not cluster.node_types:
        return
    if any(each.may_hold(*size) for each in cluster.node_types for size in sizes):
        return
    wanted = " or ".join(f"{cpus:g} CPUs and {gpus:g} GPUs" for cpus, gpus in sizes)
    listed = ", ".join(map(str, cluster.node_types))
    yield Finding(
        "nodes",
        "failure",
        f"a stack wants {wanted}, which no node of {cluster.title} has, and none that its file describes would have: "
        f"{listed}",
        "change resources.cpus_per_stack and gpus_per_stack of the sweep, or the cluster's kinds of node",
    )


def _named(versions: Mapping[str, str | None]) -> str:
    return f"{versions.get('panda_ray')} (code {versions.get('code')})"
