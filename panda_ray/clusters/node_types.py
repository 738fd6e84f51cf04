"""What kinds of node a cluster file describes, as far as it says what they have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NodeType:
    """One kind of node that may be up or be started.

    Attributes:
        cpus, gpus: of each; None where its file leaves that to the machine.
    """

    name: str
    cpus: float | None
    gpus: float | None

    def may_hold(self, cpus: float, gpus: float) -> bool:
        """Whether so much may fit on one of them, for all that is known."""
        return (self.cpus is None or self.cpus >= cpus) and (self.gpus is None or self.gpus >= gpus)

    def __str__(self) -> str:
        amounts = (("CPUs", self.cpus), ("GPUs", self.gpus))
        return f"{self.name} ({', '.join(f'{value:g} {what}' for what, value in amounts if value is not None)})"


def types_of_ray_up(data: Mapping[str, Any]) -> Iterator[NodeType]:
    """Of a file of `ray up`; of machines that are listed by their addresses none."""
    head = data.get("head_node_type")
    for name, said in _mapping(data.get("available_node_types")).items():
        described = _mapping(said)
        if described.get("max_workers") == 0 and name != head:
            continue
        resources = _mapping(described.get("resources"))
        yield NodeType(name, *(_number(resources.get(what)) for what in ("CPU", "GPU")))


def types_of_kuberay(manifest: Mapping[str, Any]) -> Iterator[NodeType]:
    """Of a RayCluster or a RayJob: what `rayStartParams` says goes before what the container asks for."""
    spec = _mapping(manifest.get("spec"))
    spec = _mapping(spec.get("rayClusterSpec", spec))
    groups = [_mapping(group) for group in spec.get("workerGroupSpecs") or []]
    for group in ({"groupName": "head", **_mapping(spec.get("headGroupSpec"))}, *groups):
        if group.get("maxReplicas") == 0:
            continue
        pod = _mapping(_mapping(group.get("template")).get("spec"))
        container = _mapping((pod.get("containers") or [{}])[0])
        resources = _mapping(container.get("resources"))
        asked = {**_mapping(resources.get("requests")), **_mapping(resources.get("limits"))}
        said = _mapping(group.get("rayStartParams"))
        cpus = _number(said.get("num-cpus", asked.get("cpu")))
        gpus = _number(said.get("num-gpus", asked.get("nvidia.com/gpu", 0)))
        yield NodeType(str(group.get("groupName")), cpus, gpus)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    """A number of Ray's, or a quantity of Kubernetes' such as `500m`."""
    text = str(value)
    try:
        return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
    except ValueError:
        return None
