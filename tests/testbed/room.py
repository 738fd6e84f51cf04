"""A room: one command in a private network, process and mount namespace, which ends with all that it started.

    python -m testbed.room CMD...

The tests run inside of it as a whole: what they call in their own process (a tunnel, a client of the Jobs API) must
reach the hosts, and a network namespace belongs to a process. Several rooms may be open at once, each with the same
addresses.
"""

from __future__ import annotations

import os
import shutil
import sys

IN_ROOM = "PANDA_RAY_TEST_ROOM"
"""Set for whatever runs inside of a room."""

TOOLS = ("unshare", "nsenter", "ip", "sshd", "ssh", "ssh-keygen", "rsync", "curl")
SEARCH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))

_SCRIPT = """
mount --make-rprivate /
ip link set lo up
mkdir -p /run/netns /run/sshd
mount -t tmpfs tmpfs /run/netns
mkdir -p /tmp/ray
mount -t tmpfs tmpfs /tmp/ray
"$@"
exit $?
"""
"""`ray up` keeps what it knows of a local cluster in /tmp/ray. The shell stays, as process 1: it reaps what a killed
host leaves behind, which nobody who waits for the host would."""


def missing() -> str | None:
    """Why there can be no room here, as a sentence."""
    if os.geteuid() != 0:
        return "hosts in namespaces need root"
    absent = [tool for tool in TOOLS if shutil.which(tool, path=SEARCH) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (Debian: openssh-server iproute2 util-linux rsync curl)"
    return None


def enter(command: list[str]) -> None:
    """Become a command inside of a new room."""
    namespaces = ["--net", "--pid", "--mount", "--uts", "--ipc"]
    unshare = ["unshare", *namespaces, "--fork", "--kill-child=KILL", "--mount-proc", "bash", "-ec", _SCRIPT, "room"]
    os.execvpe("unshare", [*unshare, *command], {**os.environ, "PATH": SEARCH, IN_ROOM: "1"})


if __name__ == "__main__":
    if (reason := missing()) is not None:
        sys.exit(reason)
    enter(sys.argv[1:])
