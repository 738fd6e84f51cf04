"""Where a measurement ran: device, threads, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

from panda_ray.training.config import Precision

_PACKAGES = ("torch", "transformers", "peft", "accelerate", "panda-ray")


def select_device(name: str | None) -> torch.device:
    """The named device, or the first CUDA device if there is one, else the CPU.

    Only one CUDA device stays visible: `transformers.Trainer` would spread (c) over all of them.
    """
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    if name is not None:
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision_of(device: torch.device) -> Precision:
    """What the comparators compute in: bf16 on a GPU."""
    return "bf16" if device.type == "cuda" else "fp32"


def available_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe(device: torch.device) -> dict[str, str | int | float]:
    """What a reader needs to judge or repeat a measurement."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "device_type": device.type,
        "cores": available_cores(),
        "threads": torch.get_num_threads(),
        "load_at_end": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{package: version(package) for package in _PACKAGES},
        "commit": _commit(),
    }


def _processor() -> str:
    """The CPU's name where the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The commit of the checkout, with `+` where files differ from it; "unknown" outside of one."""
    root = Path(__file__).parents[2]

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)

    head = git("rev-parse", "--short=12", "HEAD")
    if head.returncode != 0:
        return "unknown"
    return head.stdout.strip() + ("+" if git("status", "--porcelain", "--untracked-files=no").stdout else "")
