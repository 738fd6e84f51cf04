"""Pages of servers that tests start on this machine."""

from __future__ import annotations

import socket
import time
import urllib.request


def free_port() -> int:
    """A port of the loopback address on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def answer(url: str, seconds: float) -> str:
    """The body of a page, as soon as its server answers."""
    deadline = time.monotonic() + seconds
    while not is_up(url) and time.monotonic() < deadline:
        time.sleep(0.5)
    with urllib.request.urlopen(url, timeout=5) as page:
        body: bytes = page.read()
    return body.decode()


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False
