"""clusters/kubernetes.yaml and kubernetes_job.yaml: Kubernetes' and KubeRay's schemas, and what these do not see.

No operator has been handed these files here: the rules that KubeRay 1.7 has in code are restated below.
"""

from __future__ import annotations

import copy
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from panda_ray.clusters.cluster_file import read_cluster_file

ROOT = Path(__file__).parents[3]
FILES = ("kubernetes", "kubernetes_job")
SCHEMA = yaml.safe_load((Path(__file__).parent / "kuberay_1_7.yaml").read_text())
KUBERNETES = "1.33"


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


@pytest.mark.parametrize("name", FILES)
def test_kuberay_knows_every_key(name: str) -> None:
    jsonschema.validate(of_ray(name), SCHEMA)


@pytest.mark.parametrize(
    "path",
    [("spec", "submisionMode"), ("spec", "rayClusterSpec", "authOption"), ("spec", "rayClusterSpec", "maxReplicas")],
    ids=".".join,
)
def test_a_misspelt_or_misplaced_key_would_be_noticed(path: tuple[str, ...]) -> None:
    manifest = copy.deepcopy(of_ray("kubernetes_job"))
    section = manifest
    for part in path[:-1]:
        section = section[part]
    section[path[-1]] = 1
    with pytest.raises(jsonschema.ValidationError, match=path[-1]):
        jsonschema.validate(manifest, SCHEMA)


@pytest.mark.parametrize("name", FILES)
def test_kubernetes_knows_every_key_of_everything_else(name: str) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    pods = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": role}, "spec": pod}
        for role, pod in pods_of(name).items()
    ]
    for manifest in [*(m for m in manifests(name) if m is not None and "ray.io" not in m["apiVersion"]), *pods]:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", FILES)
def test_the_operator_will_take_it(name: str) -> None:
    cluster = cluster_of(name)
    assert tuple(map(int, cluster["rayVersion"].split("."))) >= (2, 52, 0)  # what authOptions asks for
    assert {pod["restartPolicy"] for pod in pods_of(name).values()} == {"Never"}  # autoscaler v2, SidecarMode
    head_environment = {variable["name"] for variable in pods_of(name)["head"]["containers"][0]["env"]}
    managed = {"RAY_enable_autoscaler_v2", "RAY_REDIS_ADDRESS", "REDIS_PASSWORD", "RAY_AUTH_TOKEN", "RAY_AUTH_MODE"}
    assert not head_environment & managed
    assert not {"redis-password", "labels"} & set(cluster["headGroupSpec"]["rayStartParams"])


def test_the_job_is_submitted_beside_the_head_and_leaves_nothing_running() -> None:
    job = of_ray("kubernetes_job")["spec"]
    assert job["submissionMode"] == "SidecarMode"
    assert not {"submitterPodTemplate", "submitterConfig", "clusterSelector"} & set(job)  # not in SidecarMode
    assert job["shutdownAfterJobFinishes"]
    assert 0 < job["ttlSecondsAfterFinished"] <= 3600
    assert job["preRunningDeadlineSeconds"]
    assert job["activeDeadlineSeconds"]


@pytest.mark.parametrize("name", FILES)
def test_workers_come_from_zero_and_no_more_than_a_few(name: str) -> None:
    cluster = cluster_of(name)
    (workers,) = cluster["workerGroupSpecs"]
    assert (workers["replicas"], workers["minReplicas"]) == (0, 0)
    assert 1 <= workers["maxReplicas"] <= 8
    assert cluster["enableInTreeAutoscaling"]
    assert cluster["autoscalerOptions"]["version"] == "v2"
    assert cluster["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}
    assert workers["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"]


@pytest.mark.parametrize("name", FILES)
def test_it_is_closed_to_the_world_and_holds_no_secret(name: str) -> None:
    cluster = cluster_of(name)
    assert cluster["authOptions"] == {"mode": "token", "secretName": "panda-ray-token"}
    assert cluster["headGroupSpec"]["serviceType"] == "ClusterIP"
    assert not {manifest["kind"] for manifest in manifests(name)} & {"Secret", "Ingress"}
    assert all(m["spec"].get("type", "ClusterIP") == "ClusterIP" for m in manifests(name) if m["kind"] == "Service")
    (mlflow,) = pods_of(name)["head"]["initContainers"]
    assert "--host" not in mlflow["args"][0]  # `serve` listens on loopback only
    assert "ports" not in mlflow


@pytest.mark.parametrize("name", FILES)
def test_all_containers_of_ours_have_one_image_and_the_versions_that_were_tested(name: str) -> None:
    (image,) = {container["image"] for pod in pods_of(name).values() for container in containers_of(pod)}
    assert image == f"REGISTRY/panda-ray:{version('panda-ray')}"
    assert cluster_of(name)["rayVersion"] == pinned("ray")
    recipe = (ROOT / "clusters" / "Dockerfile").read_text()
    assert f"COPY constraints.txt dist/panda_ray-{version('panda-ray')}-py3-none-any.whl" in recipe
    assert f"uv=={pinned('uv')}" in recipe
    assert "-c /tmp/constraints.txt" in recipe


def pinned(package: str) -> str:
    found = re.search(rf"(?m)^{package}==(\S+)$", (ROOT / "constraints.txt").read_text())
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", FILES)
def test_its_head_can_be_looked_for(name: str) -> None:
    file = read_cluster_file(str(ROOT / "clusters" / f"{name}.yaml"))
    assert (file.kind, file.name) == ("kubernetes", of_ray(name)["metadata"]["name"])


def test_both_files_describe_the_same_machines() -> None:
    cluster, job = (copy.deepcopy(cluster_of(name)) for name in FILES)
    assert cluster.pop("gcsFaultToleranceOptions")["redisPassword"]["valueFrom"]["secretKeyRef"]
    head = job["headGroupSpec"]["template"]["spec"]
    del head["containers"][0]["volumeMounts"]
    head["volumes"] = [volume for volume in head["volumes"] if volume["name"] != "sweep"]
    assert job == cluster
