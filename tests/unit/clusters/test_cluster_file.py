"""Cluster files: who the head is and who may log in, whoever wrote the file; what is none says so in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from panda_ray.clusters.cluster_file import read_cluster_file
from panda_ray.clusters.heads.find import find_head
from panda_ray.clusters.heads.head import PodHead, SshHead
from panda_ray.clusters.jobs_api import check_url
from panda_ray.clusters.open_cluster import open_cluster
from panda_ray.clusters.unreachable import UnreachableError
from panda_ray.errors import InputError

LOCAL = """
cluster_name: rack
provider: {type: local, head_ip: 10.1.1.1, worker_ips: [10.1.1.2]}
auth: {ssh_user: ana, ssh_private_key: ~/keys/rack, ssh_proxy_command: nc %h %p}
"""
RAY_JOB = """
apiVersion: v1
kind: Secret
metadata: {name: token}
---
apiVersion: ray.io/v1
kind: RayJob
metadata: {name: study, namespace: lab}
"""
AWS = "cluster_name: cloud\nprovider: {type: aws, region: eu-west-1}\nauth: {ssh_user: ubuntu}\n"


def written(folder: Path, text: str) -> str:
    path = folder / "cluster.yaml"
    path.write_text(text)
    return str(path)


def refusal(path: str) -> str:
    with pytest.raises(InputError) as error:
        find_head(read_cluster_file(path))
    assert "\n" not in str(error.value)
    return str(error.value)


def executable(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_the_head_of_given_machines_stands_in_the_file_with_who_logs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    found = find_head(read_cluster_file(written(tmp_path, LOCAL)))
    assert found == SshHead("10.1.1.1", "ana", "/home/ana/keys/rack", "nc %h %p")
    command = " ".join(found.forward({4000: 8265}))
    assert "-i /home/ana/keys/rack -L 127.0.0.1:4000:127.0.0.1:8265 ana@10.1.1.1" in command
    assert "ProxyCommand=nc %h %p" in command


def test_a_head_in_kubernetes_is_the_running_pod_of_the_jobs_own_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in for kubectl answers to the very commands that KubeRay's labels and status call for."""
    executable(
        tmp_path,
        "kubectl",
        'case "$*" in\n'
        '  "--namespace lab get rayjob study -o jsonpath={.status.rayClusterName}") echo study-x7 ;;\n'
        '  "--namespace lab get pods --selector ray.io/cluster=study-x7,ray.io/node-type=head "*Running*)\n'
        "    echo pod-1 ;;\n"
        "esac",
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = find_head(read_cluster_file(written(tmp_path, RAY_JOB)))
    assert found == PodHead("pod-1", "lab")
    assert " ".join(found.forward({4000: 8265})).endswith("--namespace lab pod/pod-1 --address 127.0.0.1 4000:8265")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: study\n", "lacks `cluster_name` or `provider`"),
        ("- a\n", "no cluster file"),
        ("a: [\n", "is no YAML"),
        ("cluster_name: x\nprovider: {type: vsphere}\n", "--address http://HOST:8265"),
        ("cluster_name: x\nprovider: {type: local}\n", "has no `head_ip`"),
        ("cluster_name: x\nprovider: {type: aws}\n", "has no `region`"),
        ("cluster_name: x\nprovider: {type: gcp}\n", "has no `project_id`"),
        ("kind: RayCluster\n", "has no metadata.name"),
    ],
)
def test_a_file_that_names_no_head_says_what_it_lacks(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "there is no cluster file" in refusal(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize(
    ("kind", "tool"),
    [
        ("cluster_name: x\nprovider: {type: gcp, project_id: lab}\n", "gcloud"),
        ("kind: RayCluster\nmetadata: {name: x}\n", "kubectl"),
    ],
)
def test_a_providers_tool_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, tool: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(written(tmp_path, kind)).endswith(f"finding the head needs {tool}, which is not installed here")


def test_what_a_providers_tool_says_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path, "gcloud", "echo 'You do not have an active account' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    text = "cluster_name: x\nprovider: {type: gcp, project_id: lab}\n"
    assert refusal(written(tmp_path, text)).endswith("gcloud says: You do not have an active account")


def test_aws_without_a_way_to_ask_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-say")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    said = refusal(written(tmp_path, AWS))
    assert "AWS cannot be asked for the head of 'cloud'" in said
    assert "do-not-say" not in said


@pytest.mark.parametrize("url", ["head:8265", "ray://head:10001", "head", "http://"])
def test_an_address_that_is_no_url_of_the_jobs_api_says_what_is(url: str) -> None:
    with pytest.raises(InputError, match=r"http://(head|HOST):8265$"):
        check_url(url)


@pytest.mark.parametrize(("file", "address"), [(None, None), ("cluster.yaml", "http://head:8265")])
def test_one_cluster_is_named(file: str | None, address: str | None) -> None:
    with pytest.raises(InputError, match="name one cluster"), open_cluster(file, address):
        pass


def test_an_address_at_which_nobody_listens_is_unreachable() -> None:
    with (
        open_cluster(None, "http://127.0.0.1:9") as cluster,
        pytest.raises(UnreachableError, match="connection refused"),
    ):
        cluster.jobs.jobs()
