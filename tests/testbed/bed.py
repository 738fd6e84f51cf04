"""The hosts of one test module, on one bridge, with one key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from testbed.host import BRIDGE, NETWORK, Host

CHECKOUT = Path(__file__).parents[2]

PATIENT = (
    "export RAY_DASHBOARD_STARTUP_TIMEOUT_S=600 RAY_raylet_start_wait_time_s=120 RAY_gcs_server_port_wait_time_s=600"
    " RAY_worker_niceness=0 OMP_NUM_THREADS=1\n"
)
"""Of every profile: all hosts share the cores of one machine, and Ray gives up on slow ones. Its workers would give way
to all else that runs there, though it is they that tests wait for."""

INSTALLED = PATIENT + f"export PATH={Path(sys.executable).parent}:$PATH PYTHONPATH={CHECKOUT}:{CHECKOUT / 'tests'}\n"
"""The profile of a host that has this checkout, and what the tests have, installed."""


class Testbed:
    """A bridge at 10.77.0.1 and the hosts 10.77.0.11, 10.77.0.12, ... on it; for use inside of a room.

    Attributes:
        folder: keys and disks, which this machine sees.
        share: an empty folder that all hosts and the laptop see under one name.
        key: what lets in as root by ssh.
    """

    __test__ = False  # whatever pytest makes of the name

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.share = folder / "share"
        self.share.mkdir(parents=True)
        self.key = folder / "key"
        self.hosts: list[Host] = []
        for name in ("key", "hostkey"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        for what in (
            f"link add {BRIDGE} type bridge",
            f"addr add {NETWORK}.1/24 dev {BRIDGE}",
            f"link set {BRIDGE} up",
        ):
            subprocess.run(["ip", *what.split()], check=True)

    def start_hosts(self, count: int, profile: str = INSTALLED) -> list[Host]:
        """Boot hosts with the next numbers."""
        hosts = [Host(len(self.hosts) + 1 + n, self.folder, profile) for n in range(count)]
        for host in hosts:
            self.hosts.append(host)
            host.start()
        return hosts

    def add_address(self, address: str) -> None:
        """Give the laptop's side of the bridge one more address."""
        _ip("addr", "add", address, "dev", BRIDGE)

    def close(self) -> None:
        """Lose all hosts, and the network."""
        for host in self.hosts:
            if host.alive:
                host.kill()
            _ip("netns", "del", host.name)
        _ip("link", "del", BRIDGE)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
