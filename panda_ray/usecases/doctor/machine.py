"""This machine: what is installed, what it has, and how much room is left."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import panda_ray
from panda_ray.clusters.code import installed_code
from panda_ray.execution.costs.memory.gpus import gpus
from panda_ray.sweep import ResourceSection
from panda_ray.tasks.caching.disk import cache_home
from panda_ray.usecases.doctor.case import Case, Finding, State

_DISTRIBUTIONS = {"ray": "ray", "torch": "torch", "transformers": "transformers", "mlflow": "mlflow-skinny"}
_ENGINE = ("ray", "torch", "transformers")

LITTLE_BYTES, NO_BYTES = 5 << 30, 500 << 20
"""Free room on a disk below which it is a warning, and a failure."""


def installed() -> dict[str, str | None]:
    """Versions by name, without what a job brought; None for what is not installed."""
    found: dict[str, str | None] = {
        "python": platform.python_version(),
        "panda_ray": panda_ray.__version__,
        "code": installed_code(),
    }
    for name, distribution in _DISTRIBUTIONS.items():
        try:
            found[name] = version(distribution)
        except PackageNotFoundError:
            found[name] = None
    return found


def check_versions(case: Case) -> Iterator[Finding]:
    """What is installed; a cluster's node needs all of it."""
    case.facts["versions"] = versions = installed()
    listed = ", ".join(f"{name} {value}" for name, value in versions.items() if value is not None)
    missing = [name for name in _ENGINE if versions[name] is None]
    if missing and case.address is not None:
        yield Finding(
            "versions", "failure", f"{listed}; without {', '.join(missing)}", "pip install 'panda-ray[train,cluster]'"
        )
    else:
        light = f"; without {', '.join(missing)}, so it plans, watches and reports, and trains nothing"
        yield Finding("versions", "ok", listed + (light if missing else ""))


def check_hardware(case: Case) -> Iterator[Finding]:
    """CPUs, memory, GPUs."""
    cpus, found = len(os.sched_getaffinity(0)), gpus()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    case.facts.update(cpus=cpus, memory_gib=round(memory / 2**30, 1), gpus=[asdict(gpu) for gpu in found])
    listed = ", ".join(f"{gpu.name} ({gpu.memory_mib / 1024:.0f} GiB)" for gpu in found) or "no GPU"
    says = f"{cpus} CPUs, {memory / 2**30:.0f} GiB of memory, {listed}"
    wanted = 0.0 if case.sweep is None else _fewest_gpus(case.sweep.resources)
    if wanted and not found and case.address is None:
        remedy = "run it on a cluster, or with --set resources.gpus_per_stack=0"
        yield Finding("hardware", "warning", f"{says}, and a stack wants {wanted:g} GPUs", remedy)
    else:
        yield Finding("hardware", "ok", says)


def _fewest_gpus(resources: ResourceSection) -> float:
    """Of a stack, on the kind of worker where it takes the fewest."""
    return min((resources.on(kind).gpus_per_stack for kind in resources.kinds), default=resources.gpus_per_stack)


def check_disk(case: Case) -> Iterator[Finding]:
    """Room where something is written on this machine: temporary files, the cache, a local storage."""
    places = {"temporary files": Path(tempfile.gettempdir()), "the cache of data sets": cache_home()}
    storage = case.storage
    if storage is not None and "://" not in storage:
        places["the storage"] = Path(storage)
    case.facts["disk_free_gib"] = room = {}
    for name, place in places.items():
        free = shutil.disk_usage(existing(place)).free
        room[name] = round(free / 2**30, 2)
        if (finding := room_left("disk", f"for {name} ({place})", free)) is not None:
            yield finding
    if all(value * 2**30 >= LITTLE_BYTES for value in room.values()):
        yield Finding("disk", "ok", f"{min(room.values()):.0f} GiB free or more")


def room_left(check: str, where: str, free: int) -> Finding | None:
    """What is said of a disk with so many free bytes; None where that is enough."""
    if free >= LITTLE_BYTES:
        return None
    state: State = "failure" if free < NO_BYTES else "warning"
    says = f"{free / 2**20:,.0f} MiB are free {where}"
    return Finding(check, state, says, "remove something there, or use another disk")


def existing(place: Path) -> Path:
    """The place, or what it would be made in."""
    place = place.absolute()
    return next(folder for folder in (place, *place.parents) if folder.exists())
