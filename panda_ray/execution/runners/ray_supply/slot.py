"""Kinds of worker on Ray: nodes are told apart by the label that Ray gives them for their accelerator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ray._raylet import RAY_NODE_ACCELERATOR_TYPE_KEY  # type: ignore[attr-defined]

from panda_ray.sweep import ResourceSection
from panda_ray.sweep.resources import CPU_WORKER


@dataclass(frozen=True)
class Slot:
    """What one stack takes, and on which nodes.

    Attributes:
        accelerator: of the kind of worker; None for any node.
        others: accelerators of the other kinds, on whose nodes a slot without one is not.
    """

    cpus: float
    gpus: float
    accelerator: str | None = None
    others: tuple[str, ...] = ()

    @property
    def bundle(self) -> dict[str, float]:
        """As placement groups ask for it."""
        return {"CPU": self.cpus, "GPU": self.gpus} if self.gpus else {"CPU": self.cpus}

    @property
    def selectors(self) -> list[dict[str, str]] | None:
        """As placement groups of one bundle select nodes; None for any node."""
        if self.accelerator == CPU_WORKER and self.others:
            return [{RAY_NODE_ACCELERATOR_TYPE_KEY: f"!in({','.join(self.others)})"}]
        return (
            None if self.accelerator in (None, CPU_WORKER) else [{RAY_NODE_ACCELERATOR_TYPE_KEY: str(self.accelerator)}]
        )

    def fitting(self, resources: Mapping[str, float], labels: Mapping[str, str]) -> int:
        """How many of them a node has room for."""
        label = labels.get(RAY_NODE_ACCELERATOR_TYPE_KEY)
        if label in self.others if self.accelerator == CPU_WORKER else self.accelerator not in (None, label):
            return 0
        per_gpu = resources.get("GPU", 0) / self.gpus if self.gpus else float("inf")
        return int(min(resources.get("CPU", 0) / self.cpus, per_gpu))


def slot_of(resources: ResourceSection, accelerator: str | None = None) -> Slot:
    """What one stack of a sweep takes, on a kind of worker where there are several."""
    there = resources.on(accelerator)
    others = tuple(other for other in resources.kinds if other != CPU_WORKER)
    return Slot(there.cpus_per_stack, there.gpus_per_stack, accelerator, others)


def slots_of_kinds(resources: ResourceSection) -> dict[str, Slot]:
    """Likewise by kind of worker; none where all are alike."""
    return {kind: slot_of(resources, kind) for kind in resources.kinds}
