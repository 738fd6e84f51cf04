"""A sweep on a cluster, watched from a laptop that has neither its store nor its data: status, ui, doctor."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest
import requests

from testbed import Cluster, Host, Laptop, Testbed

SWEEP = {
    "name": "watched",
    "backbones": ["builtin-tiny"],
    "sources": ["review"],
    "targets": ["remark"],
    "methods": ["prompt_tuning", "pot"],
    "metrics": [],
    "seeds": [1],
    "training": {"epochs": 2, "prompt_len": 4, "batch_size": 16},
    "tasks": {name: {"max_train_rows": 48, "max_dev_rows": 24} for name in ("review", "remark")},
}


@pytest.fixture(scope="module")
def hosts(testbed: Testbed) -> list[Host]:
    return testbed.start_hosts(1)


@pytest.fixture(scope="module")
def cluster(testbed: Testbed, laptop: Laptop, hosts: list[Host]) -> Iterator[Cluster]:
    root, server = f"{testbed.share}/panda", "http://127.0.0.1:5000"
    cluster = Cluster(testbed, laptop, hosts, PANDA_RAY_STORAGE=root, MLFLOW_TRACKING_URI=server)
    cluster.head.run("mkdir", "-p", "/root/.ray")
    (cluster.head.home / ".ray" / "auth_token").write_text(laptop.token)
    said = f"PANDA_RAY_STORAGE={root} MLFLOW_TRACKING_URI={server} RAY_AUTH_MODE=token"
    start = f"ray start --head --node-ip-address={cluster.head.address} --num-cpus=2 --object-store-memory=150000000"
    cluster.head.run("bash", "-c", f"{said} {start} --disable-usage-stats </dev/null >/dev/null 2>&1", timeout=600)
    cluster.head.run("bash", "-c", "python -m panda_ray.cli serve </dev/null >/dev/null 2>&1", timeout=600)
    yield cluster
    cluster.head.run("ray", "stop", "--force")


@pytest.fixture(scope="module")
def finished(testbed: Testbed, cluster: Cluster) -> None:
    """A sweep that has run on the cluster; its file stays there, and its store is gone."""
    described = SWEEP | {"storage": f"{testbed.share}/panda/watched", "tracking_uri": "http://127.0.0.1:5000"}
    path = testbed.share / "watched.json"
    path.write_text(json.dumps(described))
    cluster.head.run("python", "-m", "panda_ray.cli", "run", str(path), "--runner", "inline", timeout=600)


def panda_ray(laptop: Laptop, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    return laptop.run("python", "-m", "panda_ray.cli", *arguments, check=False, timeout=timeout)


def test_status_needs_only_the_cluster_file_and_a_name(laptop: Laptop, cluster: Cluster, finished: None) -> None:
    ended = panda_ray(laptop, "status", "watched", "--cluster", str(cluster.file), "--json")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["complete"]
    assert found["where"] == "cluster testbed"
    assert found["driver"]["state"] == "finished"
    assert found["cells"]["done"] == found["cells"]["total"] == 2
    shown = panda_ray(laptop, "status", "watched", "--cluster", str(cluster.file), "--watch").stdout
    assert "watched in cluster testbed: 2 cells, 2 done" in shown
    absent = panda_ray(laptop, "status", "another", "--cluster", str(cluster.file))
    assert absent.returncode == 2
    assert "knows no sweep 'another'" in absent.stderr


def test_a_report_needs_no_more(laptop: Laptop, cluster: Cluster, finished: None) -> None:
    ended = panda_ray(laptop, "report", "watched", "--cluster", str(cluster.file), "--out", "there")
    assert ended.returncode == 0, ended.stderr
    assert "Report: there/report.html" in ended.stdout
    assert "watched" in (laptop.home / "there" / "report.html").read_text(encoding="utf-8")


def test_ui_opens_both_pages_and_closes_them(laptop: Laptop, cluster: Cluster) -> None:
    command = ["python", "-u", "-m", "panda_ray.cli", "ui", "--cluster", str(cluster.file)]
    with subprocess.Popen(
        command, cwd=laptop.home, env=laptop.environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        urls = [found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line))]
        assert len(urls) == 2, lines
        assert requests.get(f"{urls[0]}/health", timeout=60).text == "OK"
        assert requests.get(f"{urls[1]}/api/version", timeout=60).status_code == 401
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    for url in urls:
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=10)


def test_doctor_looks_at_every_node_from_afar(testbed: Testbed, laptop: Laptop, cluster: Cluster) -> None:
    (laptop.home / "new.json").write_text(json.dumps(SWEEP | {"name": "new", "storage": "store"}))
    ended = panda_ray(laptop, "doctor", "new.json", "--cluster", str(cluster.file), "--json")
    assert ended.stdout, ended.stderr
    found = json.loads(ended.stdout)
    facts = found["facts"]
    assert facts["storage_root"] == f"{testbed.share}/panda"
    assert facts["storage"] == f"{testbed.share}/panda/new"
    assert facts["tracking_uri"] == "http://127.0.0.1:5000"
    assert {node["host"] for node in facts["nodes"]} == {"panda1"}
    assert facts["here"]["code"] == facts["versions"]["code"]
    states = {(each["check"], each["state"]) for each in found["findings"]}
    assert {("both sides", "ok"), ("nodes", "ok"), ("storage", "ok"), ("tracking", "ok"), ("data", "ok")} <= states
    assert (ended.returncode, found["exit_code"]) == (0, 0), found["findings"]


def test_a_cluster_that_is_not_there_is_one_sentence_and_a_status_of_its_own(laptop: Laptop, cluster: Cluster) -> None:
    for command in ("status", "doctor"):
        name = ["watched"] if command == "status" else []
        ended = panda_ray(laptop, command, *name, "--address", "http://10.77.0.1:9")
        assert ended.returncode == 3
        assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
