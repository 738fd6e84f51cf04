"""A Ray cluster that this machine is a node of: who may use it, and what each node has."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panda_ray.execution.costs.memory.gpus import gpus
from panda_ray.execution.runners.temporary import temporary_folder
from panda_ray.sweep import Sweep
from panda_ray.usecases.doctor.case import Case, Finding
from panda_ray.usecases.doctor.machine import existing, installed, room_left
from panda_ray.usecases.doctor.services import clock
from panda_ray.usecases.doctor.sweep_inputs import folders_of
from panda_ray.usecases.engine import check_engine

if TYPE_CHECKING:
    from panda_ray.execution.runners.ray_nodes import Node
    from panda_ray.execution.runners.ray_supply.slot import Slot

_TOKEN = Path(".ray") / "auth_token"
_PRIVATE = 0o600
_MUST_AGREE = ("python", "code", "ray", "torch")
"""Versions that every node must have alike: a stack may continue anywhere."""


def check_token(case: Case) -> Iterator[Finding]:
    """The token that makes a cluster answer to its owner only."""
    path = Path.home() / _TOKEN
    named = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    case.facts["token"] = bool(named) or path.is_file()
    if path.is_file() and path.stat().st_mode & 0o077:

        def fix() -> str:
            path.chmod(_PRIVATE)
            return f"{path} is for its owner only"

        says = f"other users of this machine can read the cluster's token in {path}"
        yield Finding("token", "warning", says, f"chmod 600 {path}", fix)
    elif case.facts["token"]:
        yield Finding("token", "ok", "there is a token for Ray clusters")
    elif case.address is not None:
        says = "there is no token: whoever reaches the cluster's ports can run programs on it"
        yield Finding("token", "warning", says, "ray get-auth-token --generate, before the cluster is started")


def question(folders: Sequence[str] = ()) -> dict[str, Any]:
    """What a node is asked.

    Args:
        folders: that it must see; files, too.
    """
    return {
        "versions": installed(),
        "gpus": [asdict(gpu) for gpu in gpus()],
        "free": shutil.disk_usage(tempfile.gettempdir()).free,
        "unseen": [folder for folder in folders if not Path(folder).expanduser().exists()],
    }


def check_nodes(case: Case) -> Iterator[Finding]:
    """Every node answers, has this code, the time and room."""
    if case.address is None:
        return
    check_engine("a look at a Ray cluster", "ray")
    from panda_ray.execution.runners.ray_nodes import ask_nodes

    with temporary_folder() as folder:
        nodes = ask_nodes(case.address, partial(question, [*_folders(case)]), folder)
    case.facts["nodes"] = [_fact(node) for node in nodes]
    findings = [finding for node in nodes for finding in _of(node)]
    yield from findings
    totals = {name: sum(node.resources.get(name, 0.0) for node in nodes) for name in ("CPU", "GPU")}
    says = f"{len(nodes)} nodes with {totals['CPU']:g} CPUs and {totals['GPU']:g} GPUs are up"
    if not findings:
        yield Finding("nodes", "ok", says)
    if case.sweep is None:
        return
    case.facts["holds_stack"] = any(_holds(node, case.sweep) for node in nodes)
    if not case.facts["holds_stack"]:
        yield Finding(
            "nodes",
            "warning",
            f"{says}, and none holds a stack ({' or '.join(map(_size, _slots(case.sweep)))})",
            "an autoscaling cluster starts one when the sweep runs, if max_workers, quota and price allow it",
        )


def _of(node: Node) -> Iterator[Finding]:
    if node.said is None:
        remedy = (
            "is panda_ray installed there, as on the head?" if "panda_ray" in (node.problem or "") else "look at it"
        )
        yield Finding("nodes", "failure", f"node {node.address} does not answer: {node.problem}", remedy)
        return
    name = f"{node.said['host']} ({node.address})"
    ours, theirs = installed(), node.said["versions"]
    if other := [version for version in _MUST_AGREE if theirs.get(version) != ours[version]]:
        listed = ", ".join(f"{version} {theirs.get(version)} instead of {ours[version]}" for version in other)
        yield Finding("nodes", "failure", f"node {name} has {listed}", "install the same everywhere")
    if (finding := room_left("nodes", f"for temporary files on node {name}", node.said["free"])) is not None:
        yield finding
    for folder in node.said["unseen"]:
        remedy = "mount it there: a stack may run on any node"
        yield Finding("nodes", "failure", f"node {name} does not see the folder {folder}", remedy)
    yield from clock("nodes", f"node {name}", node.skew)


def _fact(node: Node) -> Mapping[str, Any]:
    said = node.said or {}
    return {
        "address": node.address,
        "host": said.get("host"),
        "cpus": node.resources.get("CPU", 0.0),
        "gpus": said.get("gpus", []),
        "code": (said.get("versions") or {}).get("code"),
        "disk_free_gib": round(said["free"] / 2**30, 2) if said else None,
        "problem": node.problem,
    }


def _folders(case: Case) -> Iterator[str]:
    """What every node must see: what a sweep reads, and the folder in which results are kept, where it is one."""
    if case.sweep is not None:
        yield from folders_of(case.sweep)
    if case.storage is not None and "://" not in case.storage:
        yield str(existing(Path(case.storage).expanduser()))


def _holds(node: Node, sweep: Sweep) -> bool:
    return any(slot.fitting(node.resources, node.labels) for slot in _slots(sweep))


def _slots(sweep: Sweep) -> list[Slot]:
    """What a stack may take, on each kind of worker that the sweep names."""
    from panda_ray.execution.runners.ray_supply.slot import slot_of, slots_of_kinds

    return [*slots_of_kinds(sweep.resources).values()] or [slot_of(sweep.resources)]


def _size(slot: Slot) -> str:
    kind = "" if slot.accelerator is None else f" of {slot.accelerator}"
    return f"{slot.cpus:g} CPUs, {slot.gpus:g} GPUs{kind}"
