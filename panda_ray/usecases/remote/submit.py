"""A sweep submitted to a cluster: looked at there first, then started as a job, unless it runs or is finished."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panda_ray.clusters.code import code_hash, code_package
from panda_ray.clusters.jobs_api import JobExistsError
from panda_ray.clusters.open_cluster import Cluster
from panda_ray.clusters.plugin_code import plugin_code
from panda_ray.clusters.unreachable import UnreachableError
from panda_ray.errors import InputError
from panda_ray.secrets import has_secret, public
from panda_ray.sweep import Sweep
from panda_ray.usecases.doctor import both_sides
from panda_ray.usecases.doctor.case import Finding
from panda_ray.usecases.doctor.machine import installed
from panda_ray.usecases.remote.asking import HEAD_SECONDS, KIND, ask_head, on_head, put_files, put_plugins
from panda_ray.usecases.remote.entries import driver_jobs, number, running
from panda_ray.usecases.remote.folders import Say, with_folders

RAY = "2.60"
"""The Ray that this panda_ray was made for, as in pyproject.toml."""

SWEEP_FILE = "sweep.json"


@dataclass(frozen=True)
class Prepared:
    """A sweep that may be started on a cluster, or need not.

    Attributes:
        id: of the job that runs already, or that `start` makes, `<sweep>-<n>`.
        state: `running` or `done`, where there is nothing to start; `new`, or `broken` where an earlier job left work.
        sweep: to be shipped; None for a job that reads what was submitted last.
        code: URI of our own code, where the cluster has another.
        facts: what the cluster said of itself and of the sweep, as `usecases/on_head/preflight.py` has it.
        findings: what is not well, there or between both sides, and may run all the same.
    """

    name: str
    id: str
    state: str
    sweep: Sweep | None = None
    code: str | None = None
    facts: Mapping[str, Any] | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def is_startable(self) -> bool:
        return self.state in ("new", "broken")


def prepare(cluster: Cluster, sweep: Sweep, upload: bool = False, say: Say = lambda _: None) -> Prepared:
    """Look at a sweep from the cluster's side; nothing is started.

    Args:
        upload: bring folders that only this machine has to the cluster's storage.
        say: hears of each file that is brought.

    Raises:
        InputError: it cannot run there, with what to do.
        UnreachableError: the cluster is not there, or lets us not in.
    """
    _check_no_password_is_kept(sweep)
    check_ray(cluster)
    if (job := running(cluster, sweep.name)) is not None:
        return Prepared(sweep.name, job.id, "running")
    facts = _checked(cluster, sweep)
    if facts["missing"]:
        sweep = with_folders(cluster, sweep, facts["missing"], upload, say)
        facts = _checked(cluster, sweep)
    note = facts["submission"]
    if note is not None and note["state"] == "done" and not facts["stacks"]:
        return Prepared(sweep.name, note["id"], "done", facts=facts)
    findings = _findings(cluster, sweep, facts)
    return Prepared(
        name=sweep.name,
        id=_next_id(cluster, sweep.name, note),
        state="new" if note is None else "broken",
        sweep=sweep,
        code=_code_for(cluster, facts),
        facts=facts,
        findings=findings,
    )


def prepare_again(cluster: Cluster, name: str) -> Prepared:
    """Likewise for what was submitted last under a name, from what the cluster has of it.

    Raises:
        InputError: nothing was.
        UnreachableError: the cluster is not there, or lets us not in.
    """
    check_ray(cluster)
    if (job := running(cluster, name)) is not None:
        return Prepared(name, job.id, "running")
    facts = ask_head(cluster, "note", name)
    note = facts["submission"]
    if note["state"] == "done":
        return Prepared(name, note["id"], "done")
    code = _code_for(cluster, facts)
    return Prepared(name, _next_id(cluster, name, note), "broken", None, code, facts)


def start(cluster: Cluster, prepared: Prepared) -> Prepared:
    """Start the job of a prepared sweep; where somebody else was faster, theirs is what runs."""
    modules = [*([] if prepared.code is None else [prepared.code]), *put_plugins(cluster)]
    environment: dict[str, Any] = {"py_modules": modules} if modules else {}
    words = ("drive-again", prepared.id, prepared.name)
    if prepared.sweep is not None:
        words = ("drive", prepared.id, SWEEP_FILE)
        environment["working_dir"] = put_files(cluster, {SWEEP_FILE: sweep_file(prepared.sweep)})
    metadata = {KIND: "sweep", "sweep": prepared.name}
    try:
        cluster.jobs.submit(on_head(*words), prepared.id, environment, metadata, HEAD_SECONDS)
    except JobExistsError:
        return Prepared(prepared.name, prepared.id, "running")
    return prepared


def sweep_file(sweep: Sweep) -> bytes:
    """One file with every value in it: overrides, suites and a tuned file resolved."""
    return json.dumps(sweep.as_written()).encode()


def check_ray(cluster: Cluster) -> None:
    """Raises: InputError for a cluster whose Ray this panda_ray cannot use."""
    there = cluster.jobs.ray_version()
    if not f"{there}.".startswith(f"{RAY}."):
        raise InputError(
            f"{cluster.title} runs Ray {there}, and this panda_ray was made for Ray {RAY}; start the cluster with the "
            "versions of constraints.txt, or install the panda-ray that belongs to its Ray"
        )


def _check_no_password_is_kept(sweep: Sweep) -> None:
    """The head keeps a sweep as it was submitted, to go on with it, and without this password could not."""
    storage = sweep.search.storage if sweep.search is not None else None
    if storage is not None and has_secret(storage):
        raise InputError(
            f"search.storage {public(storage)} holds a password, which the head would keep in a file; leave it out, "
            "and give it to the head's user where its database looks for it (Postgres: ~/.pgpass)"
        )


def _checked(cluster: Cluster, sweep: Sweep) -> dict[str, Any]:
    left_behind = plugin_code().left_behind
    try:
        facts = ask_head(cluster, "check", SWEEP_FILE, files={SWEEP_FILE: sweep_file(sweep)})
        if "problem" in facts:
            raise InputError(f"{cluster.title}: {facts['problem']}")
    except UnreachableError:
        raise
    except InputError as error:
        raise InputError("; ".join((str(error), *left_behind))) from error
    return facts


def _findings(cluster: Cluster, sweep: Sweep, facts: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Raises: InputError where no node will ever hold a stack."""
    for failure in both_sides.room(cluster, sweep, facts):
        raise InputError(f"{failure.says}; {failure.remedy}")
    versions = both_sides.mlflow(cluster.title, installed(), facts["versions"])
    return (*versions, *(Finding(**finding) for finding in facts["findings"]))


def _code_for(cluster: Cluster, facts: Mapping[str, Any]) -> str | None:
    return None if facts["versions"]["code"] == code_hash() else cluster.jobs.put_package(*code_package())


def _next_id(cluster: Cluster, name: str, note: Mapping[str, Any] | None) -> str:
    job = driver_jobs(cluster).get(name)
    used = [number(job.id)] if job is not None else []
    if note is not None:
        used.append(number(note["id"]))
    return f"{name}-{max(used, default=0) + 1}"
