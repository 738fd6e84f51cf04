"""A head that was found, and the command that brings its ports to this machine's loopback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

LOOPBACK = "127.0.0.1"

_SSH = (
    # A key or an agent logs in, or nothing does: nobody sits at a question for a password.
    ("BatchMode", "yes"),
    ("ConnectTimeout", "15"),
    # As `ray up` does: addresses of a cloud come back with other machines behind them.
    ("StrictHostKeyChecking", "no"),
    ("UserKnownHostsFile", "/dev/null"),
    ("LogLevel", "ERROR"),
    ("ExitOnForwardFailure", "yes"),
    # A connection that has gone silent ends after 15 seconds, and the tunnel is made anew.
    ("ServerAliveInterval", "5"),
    ("ServerAliveCountMax", "3"),
)


class Head(Protocol):
    """Where a cluster's Jobs API and MLflow listen on loopback."""

    @property
    def title(self) -> str:
        """For messages."""

    def forward(self, ports: Mapping[int, int]) -> list[str]:
        """A command that forwards ports of this machine's loopback, {local: remote}, while it runs."""


@dataclass(frozen=True)
class SshHead:
    """A head that one logs in on.

    Attributes:
        key: private key; None lets ssh choose.
        proxy_command: what ssh goes through; `%h` and `%p` are the head's address and port.
    """

    host: str
    user: str | None = None
    key: str | None = None
    proxy_command: str | None = None

    @property
    def title(self) -> str:
        return f"{self.user}@{self.host}" if self.user else self.host

    def forward(self, ports: Mapping[int, int]) -> list[str]:
        options = [*_SSH, ("IdentitiesOnly", "yes")] if self.key else [*_SSH]
        if self.proxy_command:
            options.append(("ProxyCommand", self.proxy_command))
        forwards = [f"{LOOPBACK}:{local}:{LOOPBACK}:{remote}" for local, remote in ports.items()]
        return [
            *("ssh", "-N"),
            *(part for name, value in options for part in ("-o", f"{name}={value}")),
            *(("-i", self.key) if self.key else ()),
            *(part for forward in forwards for part in ("-L", forward)),
            self.title,
        ]


@dataclass(frozen=True)
class PodHead:
    """A head in Kubernetes."""

    pod: str
    namespace: str | None = None

    @property
    def title(self) -> str:
        return f"pod {self.pod}"

    def forward(self, ports: Mapping[int, int]) -> list[str]:
        where = ("--namespace", self.namespace) if self.namespace else ()
        pairs = (f"{local}:{remote}" for local, remote in ports.items())
        return ["kubectl", "port-forward", *where, f"pod/{self.pod}", "--address", LOOPBACK, *pairs]
