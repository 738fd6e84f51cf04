"""A question to a cluster's head: a small job that runs our own code there, and prints JSON."""

from __future__ import annotations

import hashlib
import json
import shlex
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from panda_ray.clusters.code import code_package, zipped
from panda_ray.clusters.open_cluster import Cluster
from panda_ray.clusters.plugin_code import plugin_code
from panda_ray.errors import InputError
from panda_ray.usecases.remote.answer import ANSWER

_PAUSE = 0.5
HEAD_SECONDS = 1800.0
"""For a preflight that reads large data sets for the first time, and for a head that has just begun."""

KIND = "panda-ray"
"""Key of a job's metadata: `sweep` for a driver, `question` for these."""


def ask_head(
    cluster: Cluster,
    *words: str,
    files: Mapping[str, bytes] | None = None,
    packages: Sequence[str] = (),
) -> dict[str, Any]:
    """What `panda-ray on-head WORDS` answers on the head, which knows the plug-ins of this machine.

    Args:
        files: what lies in the folder in which it runs.
        packages: URIs of packages besides the code.

    Raises:
        InputError: the question is refused there, in the head's words.
        UnreachableError: the cluster is not there any more.
    """
    code = cluster.jobs.put_package(*code_package())
    environment: dict[str, Any] = {"py_modules": [code, *put_plugins(cluster), *packages]}
    if files:
        environment["working_dir"] = put_files(cluster, files)
    name = f"question-{uuid.uuid4().hex[:12]}"
    cluster.jobs.submit(on_head(*words), name, environment, {KIND: "question"}, HEAD_SECONDS)
    deadline = time.monotonic() + HEAD_SECONDS
    while (job := cluster.jobs.job(name)) is not None and job.is_active and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    log = cluster.jobs.logs(name)
    answers = [line for line in log.splitlines() if line.startswith(ANSWER)]
    if job is None or job.is_active or not answers:
        raise InputError(f"{cluster.title} does not answer `{words[0]}`: {_why(job.message if job else '', log)}")
    cluster.jobs.forget(name)
    answer: dict[str, Any] = json.loads(answers[-1].removeprefix(ANSWER))
    if "error" in answer:
        raise InputError(f"{cluster.title}: {answer['error']}")
    return answer


def on_head(*words: str) -> str:
    """A command line of the head's side."""
    return shlex.join(["panda-ray", "on-head", *words])


def put_plugins(cluster: Cluster) -> list[str]:
    """Bring the plug-ins of this machine's other packages; the URIs of their packages."""
    return [cluster.jobs.put_package(*package) for package in plugin_code().packages]


def put_files(cluster: Cluster, files: Mapping[str, bytes]) -> str:
    """Bring files to the cluster as the folder of a job; the URI of the package."""
    content = zipped(files)
    return cluster.jobs.put_package(f"_ray_pkg_{hashlib.sha256(content).hexdigest()[:24]}.zip", content)


def _why(message: str, log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    if any("panda-ray: command not found" in line or "panda-ray: not found" in line for line in lines):
        return "panda-ray is not installed on its head, or not on the PATH of its `ray start`"
    said = lines[-1] if lines else " ".join(message.split())[-300:]
    return said or "without a word"
