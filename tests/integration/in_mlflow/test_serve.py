"""`panda-ray serve`: a real Postgres and a real MLflow, killed and brought back."""

from __future__ import annotations

import http.server
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient

from panda_ray.errors import InputError
from panda_ray.tracking.server import postgres
from panda_ray.usecases.serving.serve import Served, serve
from support.processes.command_line import run_here
from support.servers.pages import free_port

installed = pytest.mark.skipif(
    not (shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))),
    reason="Postgres is not installed (Debian: postgresql)",
)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where also another user than root may go, and short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="served-"))
    folder.chmod(0o755)
    yield folder
    lose(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def served(folder: Path, port: int) -> Served:
    return serve(folder, port=port)


def processes(folder: Path) -> set[int]:
    """What runs for a folder: it is in their command line or environment, or they work in it."""
    found: set[int] = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            words += os.fsencode((process / "cwd").readlink())
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # it ended, or nobody may look
            continue
        if os.fsencode(folder) in words and int(process.name) != os.getpid():
            found.add(int(process.name))
    return found


def lose(folder: Path) -> None:
    """End all of it at once, as a machine does that loses its power."""
    while found := processes(folder):
        for process in found:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.1)


def status(port: int, host: str) -> int:
    return requests.get(f"http://127.0.0.1:{port}/", headers={"Host": host}, timeout=30).status_code


@installed
@pytest.mark.cluster
class TestOnAHead:
    def test_it_is_started_once_however_often_it_is_asked(self, served: Served, folder: Path, port: int) -> None:
        before = processes(folder)
        again = run_here(folder, "serve", "--folder", str(folder), "--port", str(port), "--json")
        assert (served.started, again.json["started"]) == (True, False)
        assert again.json["uri"] == served.uri == f"http://127.0.0.1:{port}"
        assert before
        assert before <= processes(folder)

    def test_it_listens_on_loopback_for_tunnels_only(self, served: Served, port: int) -> None:
        listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines() if " 0A " in line]
        listening += [line.split()[1] for line in Path("/proc/net/tcp6").read_text().splitlines() if " 0A " in line]
        assert [address for address in listening if address.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
        assert status(port, "127.0.0.1:50123") == status(port, "localhost:8080") == 200
        assert status(port, "evil.example:80") == 403

    def test_runs_and_artifacts_are_there_after_all_was_killed(self, served: Served, folder: Path, port: int) -> None:
        client = MlflowClient(served.uri)
        run = client.create_run(client.create_experiment("kept")).info.run_id
        client.log_metric(run, "score", 0.5)
        client.log_text(run, "a prompt", "prompt.txt")
        lose(folder)
        with subprocess.Popen(["sleep", "600"], user=postgres.Postgres(folder).user) as other:
            # As after a boot, when any process may have got the number that the locks name.
            for lock in (folder / "postgres" / "postmaster.pid", folder / "socket" / ".s.PGSQL.5432.lock"):
                lock.write_text("\n".join([str(other.pid), *lock.read_text().splitlines()[1:]]))
            try:
                assert serve(folder, port=port).started
            finally:
                other.kill()
        assert client.get_run(run).data.metrics == {"score": 0.5}
        assert [file.path for file in client.list_artifacts(run)] == ["prompt.txt"]
        assert (folder / "artifacts").is_dir()

    def test_a_port_of_somebody_else_is_one_sentence(self, folder: Path) -> None:
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
            threading.Thread(target=other.serve_forever, daemon=True).start()
            with pytest.raises(InputError, match=f"port {other.server_port} on 127.0.0.1 is taken .* --port"):
                serve(folder, port=other.server_port)
            other.shutdown()


def test_where_postgres_is_missing_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path)
    ended = run_here(tmp_path, "serve", "--folder", str(tmp_path / "head"))
    assert ended.code == 2
    assert (
        "Postgres, which is not installed here: sudo apt-get install postgresql" in capfd.readouterr().err + ended.err
    )
    assert not (tmp_path / "head").exists()


def test_a_folder_too_deep_for_a_socket_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"too long for the path of Postgres's socket"):
        serve(tmp_path / ("deep" * 30))
