"""clusters/kubernetes.yaml and kubernetes_job.yaml, and what Ray's and Kubernetes' parts of them are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
FILES = ("kubernetes", "kubernetes_job")


def manifests(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / "clusters" / f"{name}.yaml").read_text()))


def of_ray(name: str) -> dict[str, Any]:
    (found,) = (manifest for manifest in manifests(name) if manifest["apiVersion"].startswith("ray.io"))
    return found


def cluster_of(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = of_ray(name)["spec"]
    return spec.get("rayClusterSpec", spec)


def pods_of(name: str) -> dict[str, dict[str, Any]]:
    cluster = cluster_of(name)
    (workers,) = cluster["workerGroupSpecs"]
    return {"head": cluster["headGroupSpec"]["template"]["spec"], "worker": workers["template"]["spec"]}


def containers_of(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", ()), *pod["containers"]]
