"""Kubernetes' and KubeRay's schemas of our two files: they take these, and would refuse what is misspelt or missing."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from support.clusters.kubernetes_files import FILES, manifests, of_ray, pods_of

SCHEMA = yaml.safe_load((Path(__file__).parent / "kuberay_1_7.yaml").read_text())
KUBERNETES = "1.33"


@pytest.mark.parametrize("name", FILES)
def test_kuberay_knows_every_key(name: str) -> None:
    jsonschema.validate(of_ray(name), SCHEMA)


REMOVED = object()
"""In place of a value."""

WRONG: tuple[tuple[str, str, object, str], ...] = (
    # A key that is misspelt or out of its place, level by level.
    ("kubernetes", "stauts", {}, "'stauts' was unexpected"),
    ("kubernetes", "metadata.lables", {}, "'lables' was unexpected"),
    ("kubernetes", "spec.maxReplicas", 4, "'maxReplicas' was unexpected"),
    ("kubernetes", "spec.authOptions.secret", "panda-ray-token", "'secret' was unexpected"),
    ("kubernetes", "spec.autoscalerOptions.idleTimeout", 900, "'idleTimeout' was unexpected"),
    ("kubernetes", "spec.gcsFaultToleranceOptions.redisPasswd", {}, "'redisPasswd' was unexpected"),
    ("kubernetes", "spec.gcsFaultToleranceOptions.storage.claim", "gcs", "'claim' was unexpected"),
    ("kubernetes", "spec.gcsFaultToleranceOptions.redisPassword.valuefrom", {}, "'valuefrom' was unexpected"),
    ("kubernetes", "spec.gcsFaultToleranceOptions.redisPassword.valueFrom.secretRef", {}, "'secretRef' was unexpected"),
    ("kubernetes", "spec.headGroupSpec.replicas", 1, "'replicas' was unexpected"),
    ("kubernetes", "spec.headGroupSpec.template.restartPolicy", "Never", "'restartPolicy' was unexpected"),
    ("kubernetes", "spec.workerGroupSpecs.0.minReplica", 0, "'minReplica' was unexpected"),
    ("kubernetes", "spec.workerGroupSpecs.0.scaleStrategy.workersToDelte", [], "'workersToDelte' was unexpected"),
    ("kubernetes_job", "spec.submisionMode", "SidecarMode", "'submisionMode' was unexpected"),
    ("kubernetes_job", "spec.rayClusterSpec.authOption", {}, "'authOption' was unexpected"),
    ("kubernetes_job", "spec.submitterConfig.backofLimit", 2, "'backofLimit' was unexpected"),
    ("kubernetes_job", "spec.deletionStrategy.rules", [], "'rules' was unexpected"),
    # A value that is none.
    ("kubernetes", "apiVersion", "ray.io/v2", "'ray.io/v1' was expected"),
    ("kubernetes", "metadata.name", "Panda", "'Panda' does not match"),
    ("kubernetes", "spec.rayVersion", 2.6, "2.6 is not of type 'string'"),
    ("kubernetes", "spec.authOptions.mode", "tokens", "'tokens' is not one of"),
    ("kubernetes", "spec.autoscalerOptions.version", "v3", "'v3' is not one of"),
    ("kubernetes", "spec.gcsFaultToleranceOptions.backend", "postgres", "'postgres' is not one of"),
    ("kubernetes", "spec.headGroupSpec.rayStartParams.num-cpus", 0, "0 is not of type 'string'"),
    ("kubernetes", "spec.workerGroupSpecs.0.maxReplicas", 2**31, "2147483648 is greater than the maximum"),
    ("kubernetes_job", "spec.submissionMode", "Sidecar", "'Sidecar' is not one of"),
    ("kubernetes_job", "spec.managedBy", "me", "'me' is not one of"),
    ("kubernetes_job", "spec.preRunningDeadlineSeconds", 0, "0 is less than the minimum"),
    ("kubernetes_job", "spec.backoffLimit", -1, "-1 is less than the minimum"),
    # What has to be there.
    ("kubernetes", "metadata.name", REMOVED, "'name' is a required property"),
    ("kubernetes", "spec.headGroupSpec", REMOVED, "'headGroupSpec' is a required property"),
    ("kubernetes", "spec.headGroupSpec.template", REMOVED, "'template' is a required property"),
    ("kubernetes", "spec.workerGroupSpecs.0.groupName", REMOVED, "'groupName' is a required property"),
    ("kubernetes", "spec.headGroupSpec.template.spec.containers", [], "[] should be non-empty"),
    (
        "kubernetes",
        "spec.gcsFaultToleranceOptions.redisPassword.valueFrom.secretKeyRef.key",
        REMOVED,
        "'key' is a required property",
    ),
    ("kubernetes_job", "spec.rayClusterSpec", REMOVED, "'rayClusterSpec' is a required property"),
)


@pytest.mark.parametrize(("name", "path", "value", "sentence"), WRONG)
def test_what_kuberay_does_not_know_would_be_noticed(name: str, path: str, value: object, sentence: str) -> None:
    manifest = changed(of_ray(name), path, value)
    (error,) = jsonschema.Draft202012Validator(SCHEMA).iter_errors(manifest)
    assert sentence in error.message


def test_no_part_of_rays_own_takes_a_key_that_is_not_named() -> None:
    parts = [*parts_of({name: part for name, part in SCHEMA["$defs"].items() if name != "pod"}), *parts_of(SCHEMA)]
    assert len(parts) > 20
    assert [part for part in parts if part["additionalProperties"] is not False] == []


def parts_of(schema: Any) -> Iterator[dict[str, Any]]:
    """The schemas of objects with named keys."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            yield {"additionalProperties": True, **schema}
        for name, inner in schema.items():
            if name != "$defs":
                yield from parts_of(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from parts_of(inner)


def changed(manifest: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The manifest with another value, or none, at a path; what is missing on the way is made."""
    section: Any = (manifest := copy.deepcopy(manifest))
    *way, last = path.split(".")
    for part in way:
        section = section[int(part)] if isinstance(section, list) else section.setdefault(part, {})
    if value is REMOVED:
        del section[last]
    else:
        section[last] = value
    return manifest


@pytest.mark.parametrize("name", FILES)
def test_kubernetes_knows_every_key_of_everything_else(name: str) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    pods = [as_pod(role, pod) for role, pod in pods_of(name).items()]
    for manifest in [*(m for m in manifests(name) if m is not None and "ray.io" not in m["apiVersion"]), *pods]:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("spec.restartpolicy", "Never", "'restartpolicy' was unexpected"),
        ("spec.restartPolicy", 0, "0 is not of type"),
        ("spec.containers.0.envfrom", [], "'envfrom' was unexpected"),
        ("spec.containers.0.name", REMOVED, "'name' is a required property"),
        ("spec.containers.0.resources.limit", {}, "'limit' was unexpected"),
    ],
)
@pytest.mark.parametrize("role", ["head", "worker"])
def test_what_kubernetes_does_not_know_of_a_pod_would_be_noticed(
    role: str, path: str, value: object, sentence: str
) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    pod = changed(as_pod(role, pods_of("kubernetes")[role]), path, value)
    with pytest.raises(kubernetes_validate.ValidationError) as caught:
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)
    assert sentence in str(caught.value)


def as_pod(role: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": role}, "spec": spec}
