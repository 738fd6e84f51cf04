"""The same from a machine that is no node of the cluster: both sides, and what differs between them."""

from __future__ import annotations

from contextlib import nullcontext

from panda_ray.clusters.open_cluster import open_cluster
from panda_ray.sweep import Sweep
from panda_ray.usecases import Busy
from panda_ray.usecases.doctor import both_sides
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
    here, there = installed(), answer["facts"].get("versions", {})
    return Examination(
        facts={**answer["facts"], "here": here},
        findings=[
            *both_sides.code(cluster.title, here, there),
            *both_sides.mlflow(cluster.title, here, there),
            *(Finding(**finding) for finding in answer["findings"]),
            *(() if sweep is None else both_sides.room(cluster, sweep, answer["facts"])),
        ],
    )
