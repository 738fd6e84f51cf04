"""The same from a machine that is no node of the cluster: both sides, and what differs between them."""

from __future__ import annotations

import json
import shlex
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

from panda_ray.clusters.code import zipped
from panda_ray.clusters.jobs_api import Job, JobsApi
from panda_ray.clusters.open_cluster import open_cluster
from panda_ray.clusters.unreachable import UnreachableError
from panda_ray.errors import InputError
from panda_ray.sweep import Sweep
from panda_ray.tracking.server.uri import is_sqlite
from panda_ray.usecases import Busy
from panda_ray.usecases.doctor.case import Finding
from panda_ray.usecases.doctor.examine import Examination
from panda_ray.usecases.doctor.machine import installed

_JOB_SECONDS = 600.0
"""For a job on a busy head, which asks every node."""

_LOOK_SECONDS = 1.0
_SWEEP_FILE = "sweep.json"


def examine_cluster(
    file: str | None, address: str | None, sweep: Sweep | None = None, fix: bool = False, busy: Busy = nullcontext
) -> Examination:
    """Look at a cluster by a small job on it, and compare what is installed on both sides.

    Args:
        file: of the cluster.
        address: of its Jobs API instead.
        sweep: tried there, with the storage that it would have there.
        fix: mend there what can be mended safely.

    Raises:
        InputError: there is no way to the cluster, or it cannot run the job.
    """
    with busy("asking the cluster"), open_cluster(file, address) as cluster:
        answer = _ask(cluster.jobs, sweep, fix)
        title = cluster.title
    here, there = installed(), answer["facts"].get("versions", {})
    return Examination(
        facts={**answer["facts"], "here": here},
        findings=[*_differences(title, here, there), *(Finding(**finding) for finding in answer["findings"])],
    )


def _differences(title: str, here: Mapping[str, str | None], there: Mapping[str, str | None]) -> Iterator[Finding]:
    """What matters between a laptop and a cluster: neither needs the other's Ray."""
    if here["code"] != there.get("code"):
        says = f"panda_ray is {_named(here)} here and {_named(there)} on cluster {title}"
        yield Finding("both sides", "warning", says, "`panda-ray submit` sends the code of this machine with the job")
    else:
        yield Finding("both sides", "ok", f"panda_ray is {_named(here)} here and on cluster {title}")
    majors = [str(side.get("mlflow") or "").partition(".")[0] for side in (here, there)]
    if all(majors) and majors[0] != majors[1]:
        says = f"MLflow is {here['mlflow']} here and {there['mlflow']} on cluster {title}"
        yield Finding("both sides", "failure", says, "install the same major version on both sides")


def _named(versions: Mapping[str, str | None]) -> str:
    return f"{versions.get('panda_ray')} (code {versions.get('code')})"


def _ask(jobs: JobsApi, sweep: Sweep | None, fix: bool) -> dict[str, Any]:
    """What `panda-ray doctor` says on the head."""
    submission_id = f"doctor-{uuid.uuid4().hex[:12]}"
    words = ["doctor", *([_SWEEP_FILE] if sweep is not None else []), "--address", "auto", "--json"]
    words += ["--fix"] if fix else []
    environment = {} if sweep is None else {"working_dir": _package(jobs, sweep)}
    jobs.submit(f"python -m panda_ray.cli {shlex.join(words)}", submission_id, environment, {})
    job = _ended(jobs, submission_id)
    said = jobs.logs(submission_id)
    answer = _object_in(said)
    if answer is None:
        lines = [line for line in said.splitlines() if line.strip()] or [job.message]
        raise InputError(f"the cluster could not look at itself (job {submission_id}): {lines[-1].strip()}")
    return answer


def _package(jobs: JobsApi, sweep: Sweep) -> str:
    """The sweep as a folder for the job; a database of this machine means nothing there."""
    is_of_here = sweep.tracking_uri is not None and is_sqlite(sweep.tracking_uri)
    described = sweep.model_dump(mode="json", exclude_none=True, exclude={"tracking_uri"} if is_of_here else None)
    return jobs.put_package(f"_ray_pkg_{uuid.uuid4().hex}.zip", zipped({_SWEEP_FILE: json.dumps(described).encode()}))


def _ended(jobs: JobsApi, submission_id: str) -> Job:
    deadline = time.monotonic() + _JOB_SECONDS
    while time.monotonic() < deadline:
        job = jobs.job(submission_id)
        if job is not None and not job.is_active:
            return job
        time.sleep(_LOOK_SECONDS)
    jobs.stop(submission_id)
    raise UnreachableError(f"the cluster did not answer within {_JOB_SECONDS / 60:.0f} minutes (job {submission_id})")


def _object_in(said: str) -> dict[str, Any] | None:
    """The JSON object that a log ends with, whatever Ray has printed around it."""
    lines = said.splitlines()
    starts = [number for number, line in enumerate(lines) if line == "{"]
    for start in starts:
        ends = [number for number in range(start, len(lines)) if lines[number] == "}"]
        for end in reversed(ends):
            try:
                found = json.loads("\n".join(lines[start : end + 1]))
            except ValueError:
                continue
            if isinstance(found, dict) and {"facts", "findings"} <= found.keys():
                return found
    return None
