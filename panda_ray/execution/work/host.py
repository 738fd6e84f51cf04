"""Machines by plain names, which records hold and people are shown."""

from __future__ import annotations

import re
import socket

from panda_ray.execution.store.sealed import LONGEST_HOST

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]")


def this_host() -> str:
    """The machine that this process runs on."""
    return plain_host(socket.gethostname())


def plain_host(name: str) -> str:
    """A machine's name in the form that records may hold; `unnamed` where there is none."""
    return _NOT_PLAIN.sub("-", name)[:LONGEST_HOST] or "unnamed"
