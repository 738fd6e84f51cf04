"""GPUs of this machine and their memory, without torch, and without a context on any of them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """One that NVIDIA's driver knows; memory in MiB."""

    name: str
    memory_mib: int


def gpus() -> list[Gpu]:
    """All of them; none where there is no driver."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [line.rpartition(",") for line in said.splitlines() if "," in line]
    return [Gpu(name.strip(), int(memory)) for name, _, memory in rows if memory.strip().isdecimal()]
