"""The head of a cluster as `ray start --head` makes it, with a token, the Jobs API and ports of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests

TOKEN = "a" * 32 + "b" * 32
_START_SECONDS = 240.0
_PATIENCE = {"RAY_raylet_start_wait_time_s": "240", "RAY_agent_register_timeout_ms": "240000"}
"""Of Ray with a machine on which other tests run."""


@dataclass(frozen=True)
class RayHead:
    """A head that runs.

    Attributes:
        url: of the Jobs API.
        port: of the same.
    """

    url: str
    port: int


@contextmanager
def ray_head(environment: Mapping[str, str], cpus: int = 2) -> Iterator[RayHead]:
    """A head while the context lasts.

    Args:
        environment: variables that its jobs inherit.
    """
    # A socket's path has at most 107 characters, and pytest's folders leave too few of them.
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    gcs, dashboard, agent, client, metrics, grpc, runtime_env = _free_ports(7)
    token = folder / "token"
    token.write_text(TOKEN)
    command = [
        *(str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--disable-usage-stats"),
        *("--node-ip-address=127.0.0.1", f"--port={gcs}", "--dashboard-host=127.0.0.1"),
        *(f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={agent}"),
        *(f"--ray-client-server-port={client}", f"--metrics-export-port={metrics}"),
        # Of ports that are not given the raylet waits 15 seconds to hear, and then ends.
        *(f"--dashboard-agent-grpc-port={grpc}", f"--runtime-env-agent-port={runtime_env}"),
        *(f"--num-cpus={cpus}", "--object-store-memory=100000000", f"--temp-dir={folder / 'ray'}"),
    ]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "PATH": path, **_PATIENCE}
    inherited = {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", "RAY_AUTH_TOKEN")}
    said = (folder / "said").open("wb")
    process = subprocess.Popen(
        command, env={**inherited, **own, **environment}, stdout=said, stderr=said, start_new_session=True
    )
    try:
        url = f"http://127.0.0.1:{dashboard}"
        _wait_for(url, process, folder / "said")
        yield RayHead(url, dashboard)
    finally:
        _kill_all_of(str(folder), process.pid)
        process.wait()
        said.close()
        shutil.rmtree(folder, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _wait_for(url: str, process: subprocess.Popen[bytes], said: Path) -> None:
    """An agent that takes jobs is later than the dashboard that answers."""
    deadline = time.monotonic() + _START_SECONDS
    headers = {"Authorization": f"Bearer {TOKEN}"}
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(requests.RequestException):
            if requests.get(f"{url}/api/jobs/", headers=headers, timeout=10).ok:
                return
        time.sleep(0.5)
    raise AssertionError(f"the head does not start: {said.read_text(errors='replace')[-2000:]}")


def _kill_all_of(folder: str, group: int) -> None:
    """Every process that has the head's folder in its command line, and those of its process group."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if folder.encode() in (entry / "cmdline").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
