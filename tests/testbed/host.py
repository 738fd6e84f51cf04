"""One host: an address, a process table, a host name, a real sshd, and the folders that a machine has for itself."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

NETWORK = "10.77.0"
BRIDGE = "pandabr0"
HOME = Path.home()
"""Root's home. The hosts have one each in its place."""

PRIVATE = (Path("/tmp/ray"), Path("/var/lib/panda-ray"))
"""What else each host has for itself: Ray's sessions, and what services of root keep. /dev/shm is a third."""

_START_SECONDS = 20

_SCRIPT = """
mount --make-rprivate /
hostname "$NAME"
for folder in $PRIVATE; do mount --bind "$DISK$folder" "$folder"; done
for folder in $PYTHON; do mkdir -p "$DISK/home${folder#$HOME}"; mount --bind "$folder" "$DISK/home${folder#$HOME}"; done
mount --rbind "$DISK/home" "$HOME"
mount -t tmpfs -o size=2g,mode=1777 tmpfs /dev/shm
exec /usr/sbin/sshd -D -e -f /dev/null -h "$KEYS/hostkey" -p 22 -o PidFile=none -o UsePAM=no -o StrictModes=no \
  -o PasswordAuthentication=no -o PermitRootLogin=prohibit-password -o MaxStartups=100 -o MaxSessions=100 \
  -o "Subsystem=sftp internal-sftp"
"""


class Host:
    """A host of the testbed. Its disk outlives a kill.

    Attributes:
        number: 1 to 9, the last digit of its address.
        disk: what it has for itself, as this machine sees it: `home`, `tmp/ray` and so on.
    """

    def __init__(self, number: int, folder: Path, profile: str) -> None:
        """
        Args:
            folder: of the testbed, with its keys.
            profile: shell commands at the start of a login, such as what sets PATH.
        """
        self.number = number
        self.address = f"{NETWORK}.{10 + number}"
        self.name = f"panda{number}"
        self.disk = folder / self.name
        self._keys = folder
        self._profile = profile
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        return self.disk / "home"

    def start(self) -> None:
        """Boot it, for the first time or after a kill; returns when its sshd answers."""
        self._make_disk()
        self._connect()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(HOME),
            "NAME": self.name,
            "DISK": str(self.disk),
            "KEYS": str(self._keys),
            "PRIVATE": " ".join(map(str, PRIVATE)),
            "PYTHON": " ".join(sorted({prefix for prefix in (sys.base_prefix, sys.prefix) if _in_home(prefix)})),
        }
        unshare = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=KILL", "--mount-proc"]
        with (self.disk / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["ip", "netns", "exec", self.name, *unshare, "bash", "-ec", _SCRIPT],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_for_sshd()

    def kill(self) -> None:
        """Lose it: all its processes at once."""
        os.kill(self.first_process, signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def cut(self) -> None:
        """Unplug its network."""
        _ip("link", "set", f"veth{self.number}", "down")

    def mend(self) -> None:
        """Plug its network in again."""
        _ip("link", "set", f"veth{self.number}", "up")

    def add_address(self, address: str) -> None:
        """Give it one more address, such as 172.31.0.4/16."""
        _ip("-n", self.name, "addr", "add", address, "dev", "eth0")

    def run(self, *command: str, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command on it to its end, as root at a login would.

        Raises:
            AssertionError: it failed; with what it printed.
        """
        ended = subprocess.run(self.command(*command), capture_output=True, text=True, check=False, timeout=timeout)
        assert not check or ended.returncode == 0, f"{command} on {self.name}:\n{ended.stdout}\n{ended.stderr}"
        return ended

    def command(self, *command: str) -> list[str]:
        """What runs a command on it, for those who start processes themselves."""
        login = [
            "env",
            "-i",
            f"HOME={HOME}",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "bash",
            "-lc",
            'cd; exec "$@"',
            "bash",
        ]
        return ["nsenter", "--target", str(self.first_process), "--all", *login, *command]

    @property
    def first_process(self) -> int:
        """Process 1 of the host, as its number here."""
        assert self._process is not None, f"{self.name} was not started"
        outer = self._process.pid
        (child,) = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        return int(child)

    def _make_disk(self) -> None:
        for folder in (self.home / ".ssh", *(Path(f"{self.disk}{private}") for private in PRIVATE), *PRIVATE):
            folder.mkdir(parents=True, exist_ok=True)
        (self.home / ".ssh" / "authorized_keys").write_text((self._keys / "key.pub").read_text())
        self.home.chmod(0o700)
        for name, text in ((".profile", ". ~/.bashrc\n"), (".bashrc", self._profile)):
            if not (self.home / name).exists():
                (self.home / name).write_text(text)

    def _connect(self) -> None:
        if Path("/run/netns", self.name).exists():
            return
        cable = f"veth{self.number}"
        _ip("netns", "add", self.name)
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("link", "set", cable, "master", BRIDGE, "up")
        _ip("-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        _ip("-n", self.name, "link", "set", "eth0", "up")
        _ip("-n", self.name, "link", "set", "lo", "up")

    def _wait_for_sshd(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            try:
                socket.create_connection((self.address, 22), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"{self.name} did not start:\n{(self.disk / 'sshd.log').read_text()}")


def _in_home(path: str) -> bool:
    """A Python that lives below root's home must stay visible behind the private one."""
    return Path(path).is_relative_to(HOME)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
