"""clusters/kubernetes.yaml and kubernetes_job.yaml: what Kubernetes' and KubeRay's schemas do not see.

No operator has been handed these files here. What KubeRay refuses in code is restated below, as read on 2026-12-01 in
a copy of its ray-operator/controllers/ray/utils/validation.go that knows what 1.7 brought (priorities of groups,
RocksDB, TLS). Its commit is not known, and in one thing it is stricter than the field reference of 1.7.0: it refuses
`submitterConfig` in SidecarMode whatever is switched on.
"""

from __future__ import annotations

import copy
import re
from importlib.metadata import version

import pytest

from panda_ray.clusters.cluster_file import read_cluster_file
from support.clusters.kubernetes_files import FILES, ROOT, cluster_of, containers_of, manifests, of_ray, pods_of


@pytest.mark.parametrize("name", FILES)
def test_the_operator_will_take_it(name: str) -> None:
    cluster = cluster_of(name)
    assert tuple(map(int, cluster["rayVersion"].split("."))) >= (2, 52, 0)  # what authOptions asks for
    assert {pod["restartPolicy"] for pod in pods_of(name).values()} == {"Never"}  # autoscaler v2, SidecarMode
    head_environment = {variable["name"] for variable in pods_of(name)["head"]["containers"][0]["env"]}
    managed = {"RAY_enable_autoscaler_v2", "RAY_REDIS_ADDRESS", "REDIS_PASSWORD", "REDIS_USERNAME"}
    managed |= {"RAY_AUTH_TOKEN", "RAY_AUTH_MODE"}
    assert not head_environment & managed
    (workers,) = cluster["workerGroupSpecs"]
    for group in (cluster["headGroupSpec"], workers):
        assert not {"redis-password", "redis-username", "labels"} & set(group["rayStartParams"])
        assert "resources" not in group  # or nothing of them in rayStartParams
    assert workers["minReplicas"] <= workers["maxReplicas"]
    assert not workers.get("suspend")  # not with an autoscaler
    assert len(of_ray(name)["metadata"]["name"]) <= {"RayCluster": 53, "RayJob": 47}[of_ray(name)["kind"]]
    switched = {"networkPolicy", "tlsOptions", "historyServerOptions"}
    assert not switched & set(cluster)  # each is refused by an operator that was not started with its feature gate


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
