"""Slurm on hosts: munge, a controller on the first of them, a node on each. Debian's own packages, nothing of ours."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from testbed.host import Host
from testbed.room import SEARCH

TOOLS = ("munged", "slurmctld", "slurmd", "sbatch")

_MUNGE = "/var/lib/panda-ray/munge"
"""Without a suffix. The folder is one that each host has for itself."""

_START_SECONDS = 60

# Jobs of one machine's hosts share its control groups, so Slurm is told to leave them alone.
_CONF = """
ClusterName=testbed
SlurmctldHost={head.name}({head.address})
AuthType=auth/munge
AuthInfo=socket={munge}.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
MpiDefault=none
ReturnToService=2
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
_CGROUP_CONF = "CgroupPlugin=cgroup/v1\nCgroupMountpoint=/tmp/ray/cgroup\nCgroupAutomount=no\n"


def missing() -> str | None:
    """Why there can be no Slurm here, as a sentence."""
    absent = [tool for tool in TOOLS if shutil.which(tool, path=SEARCH) is None]
    return f"not installed: {', '.join(absent)} (Debian: slurmctld slurmd slurm-client munge)" if absent else None


class Slurm:
    """A cluster of two-CPU nodes, whose login node is the first host.

    Attributes:
        conf: its configuration, for `SLURM_CONF`.
        hosts: its nodes, in the order of an allocation.
    """

    def __init__(self, hosts: Sequence[Host], folder: Path) -> None:
        """
        Args:
            folder: an empty one that all hosts see under one name.
        """
        self.hosts = hosts
        self.conf = folder / "slurm.conf"
        nodes = "\n".join(f"NodeName={h.name} NodeAddr={h.address} CPUs=2 RealMemory=4000" for h in hosts)
        self.conf.write_text(_CONF.format(head=hosts[0], folder=folder, munge=_MUNGE, nodes=nodes))
        (folder / "cgroup.conf").write_text(_CGROUP_CONF)
        self._key = folder / "munge.key"
        self._key.write_bytes(secrets.token_bytes(128))
        self._key.chmod(0o400)
        (folder / "state").mkdir()
        for host in hosts:
            (folder / host.name).mkdir()

    def start(self) -> None:
        """Start all daemons; returns when every node is idle."""
        files = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        places = (f"--{option}={_MUNGE}.{suffix}" for option, suffix in files.items())
        munged = ("munged", "--force", f"--key-file={self._key}", *places)
        for host in self.hosts:
            host.run(*munged)
        self.run("slurmctld")
        for host in self.hosts:
            self.run("slurmd", "-N", host.name, host=host)
        end = time.monotonic() + _START_SECONDS
        while set(states := self.run("sinfo", "-h", "-N", "-o", "%T").split()) != {"idle"}:
            assert time.monotonic() < end, f"nodes are {states}"
            time.sleep(0.5)

    def run(self, *command: str, host: Host | None = None) -> str:
        """What a command of Slurm prints, on the login node or another host.

        Raises:
            AssertionError: it failed.
        """
        return (host or self.hosts[0]).run("env", f"SLURM_CONF={self.conf}", *command).stdout

    def submit(self, folder: Path, *command: str, **environment: str) -> int:
        """The number of a job that `sbatch` queues from a folder."""
        variables = (f"{name}={value}" for name, value in environment.items())
        printed = self.run("env", "-C", str(folder), *variables, "sbatch", "--parsable", *command)
        return int(printed.strip())

    def state(self, job: int) -> str:
        """What Slurm says of a job, such as RUNNING or `FAILED 130:0`, with the exit status once it has ended."""
        said = dict(
            part.partition("=")[::2] for part in self.run("scontrol", "--oneliner", "show", "job", str(job)).split()
        )
        return f"{said['JobState']} {said['ExitCode']}"

    def wait(self, job: int, seconds: float) -> str:
        """The state in which a job ended."""
        end = time.monotonic() + seconds
        while (state := self.state(job)).split()[0] in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING"):
            assert time.monotonic() < end, f"job {job} is {state} after {seconds} s"
            time.sleep(1)
        return state
