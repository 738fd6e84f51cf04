"""A cluster from a machine that is no node of it: a real head that asks for a token, a real sshd, moto as EC2."""

from __future__ import annotations

import http.server
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from panda_ray.clusters.jobs_api import Job, JobExistsError, JobsApi
from panda_ray.clusters.open_cluster import open_cluster
from panda_ray.clusters.unreachable import UnreachableError
from panda_ray.errors import InputError
from support.processes.absence import environment_without
from support.servers.ray_head import TOKEN, RayHead, ray_head

pytestmark = pytest.mark.cluster

SECONDS = 180

Found = TypeVar("Found")


@pytest.fixture(scope="module")
def head() -> Iterator[RayHead]:
    with ray_head({"RAY_JOB_STOP_WAIT_TIME_S": "20"}) as running:
        yield running


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)


@pytest.fixture
def api(head: RayHead, token: None) -> JobsApi:
    return JobsApi(head.url)


def over(api: JobsApi, submission_id: str) -> Job:
    """The job when it has ended."""
    return until(lambda: job if (job := api.job(submission_id)) and not job.is_active else None)


def until(look: Callable[[], Found | None]) -> Found:
    deadline = time.monotonic() + SECONDS
    while (seen := look()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return seen


def packed(name: str, text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr(name, text)
    return content.getvalue()


def test_a_job_has_its_packages_and_log_and_is_known_when_it_has_ended(api: JobsApi) -> None:
    code = api.put_package("_ray_pkg_code.zip", packed("shipped/__init__.py", "print('from here')"))
    data = api.put_package("_ray_pkg_data.zip", packed("sweep.yaml", "name: tiny"))
    api.submit(
        "cat sweep.yaml; python -c 'import shipped'; exit 7",
        "a-1",
        {"py_modules": [code], "working_dir": data},
        {"k": "v"},
        SECONDS,
    )
    with pytest.raises(JobExistsError, match="a-1"):
        api.submit("true", "a-1", {}, {}, SECONDS)
    job = over(api, "a-1")
    assert (job.status, job.exit_code, job.metadata) == ("FAILED", 7, {"k": "v"})
    assert job.started is not None
    assert job.ended is not None
    assert 0 < job.ended - job.started < SECONDS
    assert "name: tiny" in api.logs("a-1")
    assert "from here" in api.logs("a-1")
    assert [found.id for found in api.jobs()] == ["a-1"]
    assert api.ray_version().startswith("2.")


def test_a_stopped_job_hears_a_signal_and_has_time_to_end(api: JobsApi) -> None:
    api.submit(
        "trap 'sleep 5; echo saved; exit 0' TERM; echo on; while true; do sleep 0.1; done", "s-1", {}, {}, SECONDS
    )
    until(lambda: "on\n" in api.logs("s-1") or None)
    assert api.stop("s-1")
    assert over(api, "s-1").status == "STOPPED"
    assert "saved" in api.logs("s-1")
    assert not api.stop("s-1")


def test_jobs_that_the_cluster_does_not_know_are_absent(api: JobsApi) -> None:
    assert api.job("nobody") is None
    assert api.logs("nobody") == ""
    assert not api.stop("nobody")


def test_a_wrong_token_and_a_missing_one_are_told_apart(
    head: RayHead, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "not-this-one")
    with pytest.raises(UnreachableError, match="has another token than RAY_AUTH_TOKEN") as error:
        JobsApi(head.url).jobs()
    assert "not-this-one" not in str(error.value)
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UnreachableError, match="asks for a token, and there is none here"):
        JobsApi(head.url).jobs()
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text(f"{TOKEN}\n")
    assert isinstance(JobsApi(head.url).jobs(), list)


@pytest.mark.usefixtures("token")
def test_another_server_is_no_cluster() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with pytest.raises(UnreachableError, match="is not the Jobs API of a Ray cluster"):
                JobsApi(f"http://127.0.0.1:{server.server_port}").jobs()
        finally:
            server.shutdown()


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("patience", [60.0, 0.0])
def test_a_head_that_answers_before_it_starts_jobs_is_asked_again_for_a_while(
    monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    """In the words of Ray 2.60, whose heads say so for a moment that no test can meet."""
    monkeypatch.setattr("panda_ray.clusters.jobs_api._AGENT_PAUSE", 0.01)
    answers = [
        (500, "No available agent to submit job, please try again later."),
        (500, "Traceback ...\naiohttp.client_exceptions.ClientConnectorError: Cannot connect to host 127.0.0.1:52365"),
        (200, '{"submission_id": "x-1"}'),
        (500, "another matter"),
    ]

    class Starting(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, said = answers.pop(0)
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if status == 200 else "text/plain")
            self.end_headers()
            self.wfile.write(said.encode())

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Starting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            api = JobsApi(f"http://127.0.0.1:{server.server_port}")
            if patience:
                api.submit("true", "x-1", {}, {}, patience)
            with pytest.raises(InputError, match="another matter" if patience else "please try again later"):
                api.submit("true", "x-2", {}, {}, patience)
        finally:
            server.shutdown()


@contextmanager
def sshd(folder: Path) -> Iterator[int]:
    """A real sshd for root with a key in `folder`; the port it listens at."""
    if os.getuid() or not (program := shutil.which("sshd", path="/usr/sbin:/usr/bin")) or not shutil.which("nc"):
        pytest.skip("needs root, openssh-server and netcat-openbsd")
    for name in ("key", "hostkey"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    Path("/run/sshd").mkdir(exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = [
        *("UsePAM=no", "StrictModes=no", "PermitRootLogin=prohibit-password", "PasswordAuthentication=no"),
        *(f"AuthorizedKeysFile={folder / 'key.pub'}", "ListenAddress=127.0.0.1", "PidFile=none"),
    ]
    command = [program, "-D", "-e", "-f", "/dev/null", "-h", str(folder / "hostkey"), "-p", str(port)]
    command += [part for option in options for part in ("-o", option)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(port)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens at port {port}"
            time.sleep(0.05)


def cluster_file(folder: Path, port: int, key: str = "key") -> str:
    path = folder / f"{key}.yaml"
    path.write_text(
        "cluster_name: rack\nprovider: {type: local, head_ip: 127.0.0.1}\n"
        f"auth: {{ssh_user: root, ssh_private_key: {folder / key}, ssh_proxy_command: nc 127.0.0.1 {port}}}\n"
    )
    return str(path)


def tunnels() -> list[int]:
    """Processes of ours that carry a tunnel."""
    found = subprocess.run(["pgrep", "-P", str(os.getpid()), "-x", "ssh"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def test_a_tunnel_reaches_the_jobs_api_comes_back_and_is_closed(
    head: RayHead, token: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panda_ray.clusters.open_cluster.DASHBOARD_PORT", head.port)
    with sshd(tmp_path) as port, open_cluster(cluster_file(tmp_path, port), None, (head.port, 5000)) as cluster:
        assert cluster.title == "rack"
        assert cluster.jobs.ray_version().startswith("2.")
        assert len({cluster.url(head.port), cluster.url(5000)}) == 2
        (carrier,) = tunnels()
        os.kill(carrier, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{carrier}").exists() or _is_dead(carrier) or None)
        with pytest.raises(UnreachableError, match="no cluster answers"):
            cluster.jobs.jobs()
        cluster.reopen()
        assert cluster.jobs.ray_version().startswith("2.")
    assert tunnels() == []


def _is_dead(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_head_that_is_not_there_and_one_that_refuses_the_key_are_one_sentence_each(tmp_path: Path) -> None:
    with sshd(tmp_path) as port:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
        with (
            pytest.raises(UnreachableError, match=r"no tunnel to root@127.0.0.1: .*Permission denied"),
            open_cluster(cluster_file(tmp_path, port, "other"), None),
        ):
            pass
    with (
        pytest.raises(UnreachableError, match=r"no tunnel to root@127.0.0.1: .*is the cluster up\?$"),
        open_cluster(cluster_file(tmp_path, port), None),
    ):
        pass


def test_a_machine_without_ssh_says_that_it_needs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(ValueError, match="needs ssh, which is not installed here"),
        open_cluster(cluster_file(tmp_path, 9), None),
    ):
        pass


AWS = """
from unittest import TestCase

from panda_ray.clusters.cluster_file import read_cluster_file
from panda_ray.clusters.heads.find import find_head
with TestCase().assertRaisesRegex(ValueError, "needs boto3, which is not installed here: pip install"):
    find_head(read_cluster_file({path!r}))
"""


def test_aws_without_boto3_says_what_to_install(tmp_path: Path) -> None:
    path = tmp_path / "cloud.yaml"
    path.write_text("cluster_name: cloud\nprovider: {type: aws, region: eu-west-1}\n")
    command = [sys.executable, "-c", AWS.format(path=str(path))]
    subprocess.run(command, env=environment_without(["boto3"], tmp_path), check=True, timeout=SECONDS)


def test_the_head_on_aws_is_the_running_instance_with_the_clusters_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3
    from moto import mock_aws

    from panda_ray.clusters.cluster_file import read_cluster_file
    from panda_ray.clusters.heads.find import find_head

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "ray-autoscaler_eu-west-1.pem").write_text("key")
    path = tmp_path / "cloud.yaml"
    path.write_text("cluster_name: cloud\nprovider: {type: aws, region: eu-west-1}\nauth: {ssh_user: ubuntu}\n")
    file = read_cluster_file(str(path))
    with mock_aws():
        ec2 = boto3.client("ec2", region_name="eu-west-1")
        image = ec2.describe_images()["Images"][0]["ImageId"]

        def launched(name: str, kind: str) -> dict[str, str]:
            tags = [{"Key": "ray-cluster-name", "Value": name}, {"Key": "ray-node-type", "Value": kind}]
            made = ec2.run_instances(
                ImageId=image,
                MinCount=1,
                MaxCount=1,
                KeyName="ray-autoscaler_eu-west-1",
                TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
            )
            instance: dict[str, str] = made["Instances"][0]
            return instance

        launched("cloud", "worker")
        launched("other", "head")
        gone = launched("cloud", "head")
        ec2.terminate_instances(InstanceIds=[gone["InstanceId"]])
        with pytest.raises(UnreachableError, match=r"no head of 'cloud' runs in eu-west-1; .* ray up"):
            find_head(file)
        head = launched("cloud", "head")
        answer = ec2.describe_instances(InstanceIds=[head["InstanceId"]])
        address = answer["Reservations"][0]["Instances"][0]["PublicIpAddress"]
        found = find_head(file)
    assert found.title == f"ubuntu@{address}"
    assert str(tmp_path / ".ssh" / "ray-autoscaler_eu-west-1.pem") in found.forward({1: 2})
