"""What a local Ray keeps from everybody else: who has not its token is refused, and no secret lies in its files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SECRET = "hunter2"

DRIVER = """\
import sys
from pathlib import Path
import ray
from ray._raylet import GcsClient
from panda_ray.execution.runners.ray_cluster import ray_cluster
from panda_ray.execution.runners.temporary import temporary_folder
from panda_ray.execution.work.workspace import Settings
from support.sweeps.small_sweeps import small_sweep

@ray.remote
def work():
    return 1

with temporary_folder() as folder, ray_cluster(None, Settings.of(small_sweep(folder)), folder):
    assert ray.get(work.remote()) == 1
    address = ray.get_runtime_context().gcs_address
    jobs = GcsClient(address=address).get_all_job_info()
    print(folder, address, *(job.entrypoint for job in jobs.values()), sep="\\n", flush=True)
    sys.stdin.readline()
"""

CLIENT = """\
import sys
from ray._raylet import GcsClient
try:
    print("in:", len(GcsClient(address=sys.argv[1]).get_all_node_info(timeout=20)), "nodes")
except Exception as error:
    print("refused:", type(error).__name__, error)
"""

RAW = """\
import sys
import grpc
names = {"NodeInfoGcsService/GetAllNodeInfo", "NodeManagerService/GetNodeStats", "CoreWorkerService/GetCoreWorkerStats"}
for port in sys.argv[2:]:
    for name in sorted(names):
        with grpc.insecure_channel(f"{sys.argv[1]}:{port}") as channel:
            try:
                channel.unary_unary(f"/ray.rpc.{name}")(b"", timeout=10)
                print(port, name, "ANSWERED")
            except grpc.RpcError as error:
                print(port, name, error.code().name)
"""


@dataclass(frozen=True)
class Cluster:
    """A local Ray: its folder, the address of its GCS, how it calls its jobs, and its processes."""

    folder: Path
    address: str
    jobs: str
    processes: list[psutil.Process]

    @property
    def ports(self) -> dict[tuple[str, int], str]:
        """Address and port on which its processes listen, and which process."""
        return {
            (connection.laddr.ip.removeprefix("::ffff:"), connection.laddr.port): process.name()
            for process in self.processes
            if process.is_running()
            for connection in process.net_connections(kind="tcp")
            if connection.status == psutil.CONN_LISTEN
        }


def run(code: str, *arguments: str, **environment: str) -> str:
    """What a program prints in a process that has nothing of Ray's in its environment but this."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, env=kept | environment, capture_output=True, text=True, timeout=200, check=True
    ).stdout


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    tests = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)])}
    command = [sys.executable, "-c", DRIVER, "--set", f"tracking_uri=http://ann:{SECRET}@tracking:5000"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        try:
            folder, address = driver.stdout.readline().strip(), driver.stdout.readline().strip()
            processes = psutil.Process(driver.pid).children(recursive=True)
            jobs = ""
            while "tracking_uri" not in jobs and (line := driver.stdout.readline()):
                jobs += line
            yield Cluster(Path(folder), address, jobs, processes)
        finally:
            driver.stdin.close()
            driver.wait(timeout=100)


def test_without_the_token_nobody_gets_in(cluster: Cluster) -> None:
    assert run(CLIENT, cluster.address).startswith("refused:")
    wrong = run(CLIENT, cluster.address, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="0" * 64)
    assert wrong.startswith("refused:")


def test_every_port_refuses_a_call_without_the_token(cluster: Cluster) -> None:
    ports = {port: name for (_, port), name in cluster.ports.items()}
    assert {"gcs_server", "raylet"} <= set(ports.values())
    answers = run(RAW, cluster.address.partition(":")[0], *map(str, ports)).splitlines()
    assert len(answers) == 3 * len(ports)
    assert not [answer for answer in answers if answer.endswith("ANSWERED")]
    assert {answer.split()[2] for answer in answers} <= {"UNAUTHENTICATED", "UNIMPLEMENTED", "UNAVAILABLE"}, answers
    gcs = next(port for port, name in ports.items() if name == "gcs_server")
    assert f"{gcs} NodeInfoGcsService/GetAllNodeInfo UNAUTHENTICATED" in answers


def test_a_drivers_password_is_not_in_the_list_of_jobs_nor_in_files_and_arguments(cluster: Cluster) -> None:
    assert "tracking_uri=http://***@tracking:5000" in cluster.jobs
    written = [path for path in cluster.folder.rglob("*") if path.is_file()]
    assert any(path.name.startswith("gcs_server") for path in written)
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
    shown = [" ".join(process.cmdline()) for process in cluster.processes if process.is_running()]
    assert any("raylet" in line for line in shown)
    assert not [line for line in shown if SECRET in line]


def test_the_token_is_in_no_file_and_no_argument(cluster: Cluster) -> None:
    raylet = next(process for process in cluster.processes if process.name() == "raylet")
    token = raylet.environ()["RAY_AUTH_TOKEN"]
    assert re.fullmatch("[0-9a-f]{64}", token)
    assert not [path for path in cluster.folder.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
    assert not [1 for process in cluster.processes if process.is_running() and token in " ".join(process.cmdline())]
