"""`--address` of a cluster that is not there, or not for us: one sentence, soon, and nothing of Ray's log."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from panda_ray.errors import InputError
from panda_ray.execution.runners import ray_address
from panda_ray.execution.runners.ray_address import check_address
from support.processes.command_line import Ended, finish, start
from support.sweeps.small_sweeps import small_sweep

SOON = 30.0
"""Seconds: two waits of four on a machine that is busy; Ray would try for minutes."""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port of this machine at which connections are accepted and never answered."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=8)) as server:
        yield server


def refused(address: str) -> str:
    """The sentence, which must come soon: no other process is asked."""
    began = time.monotonic()
    with pytest.raises(InputError, match=r"^--address") as error:
        check_address(address)
    assert time.monotonic() - began < SOON
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail rather than ask Ray, which takes longer."""
    monkeypatch.setattr(ray_address, "_ask_ray", lambda address: pytest.fail(f"Ray was asked for {address}"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


@pytest.mark.usefixtures("no_ray")
class TestNothingThere:
    @pytest.mark.parametrize(
        ("address", "what"),
        [
            ("ray://head:10001", "Ray's client protocol"),
            ("http://head:8265", "a Jobs API"),
            ("https://head:8265", "a Jobs API"),
        ],
    )
    def test_an_address_for_clients_names_submit(self, address: str, what: str) -> None:
        assert f"{what} cannot run a sweep; `panda-ray submit`" in refused(address)

    @pytest.mark.parametrize("address", ["head", "head:", ":6379", "head:port", "head:99999", "local", ""])
    def test_what_is_no_address_says_what_is(self, address: str) -> None:
        assert "auto, or host:port" in refused(address)

    def test_a_port_where_nobody_listens(self, listener: socket.socket) -> None:
        port = listener.getsockname()[1]
        listener.close()
        assert f"no Ray cluster on port {port} of 127.0.0.1 (Connection refused)" in refused(f"127.0.0.1:{port}")

    def test_a_host_that_does_not_exist(self) -> None:
        assert "there is no host 'nowhere.invalid'" in refused("nowhere.invalid:6379")

    def test_a_port_that_accepts_and_never_answers(self, listener: socket.socket) -> None:
        port = listener.getsockname()[1]
        assert f"no answer from 127.0.0.1 on port {port}" in refused(f"127.0.0.1:{port}")

    def test_a_web_server(self) -> None:
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                assert "is no Ray cluster" in refused(f"127.0.0.1:{server.server_port}")
            finally:
                server.shutdown()

    def test_an_address_in_the_environment(self, monkeypatch: pytest.MonkeyPatch, listener: socket.socket) -> None:
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{listener.getsockname()[1]}")
        assert "no answer" in refused("auto")
        monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
        assert "RAY_ADDRESS is ray://head:10001" in refused("auto")
        monkeypatch.setenv("RAY_ADDRESS", "http://head:8265")
        assert "RAY_ADDRESS is http://head:8265, and a Jobs API" in refused("auto")


@pytest.mark.slow
def test_the_command_line_ends_with_the_sentence_alone(tmp_path: Path, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    (tmp_path / "x.yaml").write_text(small_sweep(tmp_path / "store").model_dump_json())
    ended: Ended = finish(start(tmp_path, "run", "x.yaml", "--address", f"127.0.0.1:{port}"))
    assert ended.code == 2, ended.err
    assert ended.err.splitlines()[-1].startswith(f"--address 127.0.0.1:{port}: no answer")
    assert "Traceback" not in ended.err
