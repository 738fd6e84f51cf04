"""A tunnel from free ports of this machine's loopback to ports of a head, made anew when it breaks."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from panda_ray.clusters.heads.head import LOOPBACK, Head
from panda_ray.clusters.unreachable import UnreachableError
from panda_ray.errors import InputError

_OPENING_SECONDS = 45.0
_LOOK_SECONDS = 0.1


class Tunnel:
    """An open way to ports of a head. Use `open_tunnel`, which closes it.

    Attributes:
        ports: the port of this machine's loopback behind which each port of the head is.
    """

    def __init__(self, head: Head, ports: Iterable[int]) -> None:
        self._head = head
        self.ports: Mapping[int, int] = _free_ports(ports)
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None

    def keep(self) -> None:
        """Open it where it is not open, or not any more.

        Raises:
            InputError: the program that makes it is not installed.
            UnreachableError: the head does not let us through.
        """
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        command = self._head.forward({local: remote for remote, local in self.ports.items()})
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 # open as long as the tunnel
        try:
            # A session of its own: Ctrl-C is for us, and who closes the tunnel are we.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said, start_new_session=True
            )
        except FileNotFoundError:
            raise InputError(
                f"a tunnel to {self._head.title} needs {command[0]}, which is not installed here"
            ) from None
        self._wait()

    def close(self) -> None:
        """End what carries it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        if self._said is not None:
            self._said.close()
        self._process = self._said = None

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _OPENING_SECONDS
        while not all(_answers(port) for port in self.ports.values()):
            if self._process.poll() is not None:
                raise UnreachableError(f"no tunnel to {self._head.title}: {self._last_words()}; is the cluster up?")
            if time.monotonic() > deadline:
                self.close()
                raise UnreachableError(
                    f"no tunnel to {self._head.title} within {_OPENING_SECONDS:.0f} seconds; is the cluster up?"
                )
            time.sleep(_LOOK_SECONDS)

    def _last_words(self) -> str:
        assert self._said is not None
        self._said.seek(0)
        lines = [line for line in self._said.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else "it ended without a word"


@contextmanager
def open_tunnel(head: Head, ports: Iterable[int]) -> Iterator[Tunnel]:
    """A tunnel while the context lasts.

    Args:
        ports: of the head's loopback.

    Raises:
        InputError: the program that makes it is not installed.
        UnreachableError: the head does not let us through.
    """
    tunnel = Tunnel(head, ports)
    try:
        tunnel.keep()
        yield tunnel
    finally:
        tunnel.close()


def _free_ports(ports: Iterable[int]) -> dict[int, int]:
    """A port of this machine for each; held together, so that no two are the same."""
    held = {port: socket.socket() for port in ports}
    try:
        for probe in held.values():
            probe.bind((LOOPBACK, 0))
        return {port: int(probe.getsockname()[1]) for port, probe in held.items()}
    finally:
        for probe in held.values():
            probe.close()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False
