"""The same from a machine that is no node of the cluster: both sides, and what differs between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext

from panda_ray.clusters.open_cluster import open_cluster
from panda_ray.sweep import Sweep
from panda_ray.usecases import Busy
from panda_ray.usecases.doctor.case import Finding
from panda_ray.usecases.doctor.examine import Examination
from panda_ray.usecases.doctor.machine import installed
from panda_ray.usecases.remote.asking import ask_head
from panda_ray.usecases.remote.submit import SWEEP_FILE, sweep_file


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
        words = ["--fix"] if fix else []
        files = {} if sweep is None else {SWEEP_FILE: sweep_file(sweep)}
        answer = ask_head(cluster, "examine", *words, *files, files=files)
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
