"""`panda-ray logs`: what the driver of a sweep has said, all of it or of one cell."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from panda_ray.cli.commands.remote.following import follow, for_people
from panda_ray.cli.console import print_json, stderr, stdout
from panda_ray.cli.options import ClusterFile, Follow, JobsAddress, Json, SweepName
from panda_ray.cli.wording.words import duration
from panda_ray.errors import InputError

if TYPE_CHECKING:
    from panda_ray.clusters.open_cluster import Cluster
    from panda_ray.usecases.remote.cell_log import CellLog

CellName = Annotated[
    str | None,
    typer.Option(
        "--cell",
        metavar="SOURCE->TARGET@BACKBONE",
        help="Only what is about one cell, with how its units stand; ->TARGET@BACKBONE where nothing is transferred.",
    ),
]


def logs(
    name: SweepName,
    cell: CellName = None,
    cluster: ClusterFile = None,
    address: JobsAddress = None,
    follow_log: Follow = False,
    as_json: Json = False,
) -> None:
    """Print what the driver of a sweep has said; with --follow, as long as it runs.

    Exit status: 0, 1 if the job failed while --follow looked on, 2 for bad input, 3 if the cluster cannot be reached.
    """
    from panda_ray.clusters.open_cluster import open_cluster
    from panda_ray.usecases.remote.entries import last_job

    if follow_log and as_json:
        raise InputError("--json gives one object at the end, and --follow lines as they come; choose one")
    with open_cluster(cluster, address) as opened:
        if cell is not None:
            raise typer.Exit(_of_cell(opened, name, cell, follow_log, as_json))
        job = last_job(opened, name)
        if follow_log:
            raise typer.Exit(follow(opened, job.id))
        log = "".join(for_people(opened.jobs.logs(job.id).splitlines(keepends=True)))
    if as_json:
        print_json({"sweep": name, "id": job.id, "job": job.status, "log": log, "exit_code": 0})
    else:
        sys.stdout.write(log)


def _of_cell(cluster: Cluster, sweep: str, cell: str, follow_log: bool, as_json: bool) -> int:
    """The store's side first, which also knows what happened before the head was lost; then the driver's."""
    from panda_ray.usecases.remote.cell_log import look_at_cell
    from panda_ray.usecases.remote.entries import driver_jobs

    with stderr.status(f"looking at {cell} on {cluster.title}"):
        found = look_at_cell(cluster, sweep, cell)
        job = driver_jobs(cluster).get(sweep)
    log = [] if job is None or follow_log else cluster.jobs.logs(job.id).splitlines()
    events = [*found.events(log)]
    if as_json:
        print_json(
            {"sweep": sweep, "cell": cell, "cells": found.cells, "units": found.units, "events": events, "exit_code": 0}
        )
        return 0
    for line in _described(found):
        stdout.print(line, markup=False, soft_wrap=True)
    if job is None:
        stdout.print("What its driver has said is gone with the head.", markup=False, soft_wrap=True)
        return 0
    if follow_log:
        return follow(cluster, job.id, lambda lines: (f"{line}\n" for line in _happened(found.events(lines))))
    for line in _happened(events):
        stdout.print(line, markup=False, soft_wrap=True)
    return 0


def _described(found: CellLog) -> Iterator[str]:
    """How each of its units stands, what it is made from first."""
    told: set[str] = set()
    for cell in found.cells:
        yield f"{found.name}, {cell['method']}, seed {cell['seed']}: {found.units[cell['units'][-1]]['state']}"
        for key in cell["units"]:
            if key not in told:
                yield from _standing(found.units[key])
        told.update(cell["units"])


def _standing(unit: Mapping[str, Any]) -> Iterator[str]:
    parts = [f"  {unit['stage']}: {unit['title']}: {unit['state']}"]
    if hosts := unit.get("hosts"):
        parts.append(f"on {', '.join(hosts)}")
    if (seconds := unit.get("seconds")) is not None:
        parts.append(f"in {duration(seconds)}")
    if (score := unit.get("score")) is not None:
        parts.append(f"score {score:.2f}")
    if at := unit.get("finished_at"):
        parts.append(_time(datetime.fromisoformat(at).timestamp()))
    yield ", ".join(parts)
    for before in unit.get("waits_for", ()):
        yield f"    waits for {before}, which failed"
    if "error" in unit:
        yield f"    {unit['error']}"
        yield from (f"    {line}" for line in unit["traceback"].splitlines())


def _happened(events: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for event in events:
        parts = [event["event"]]
        if event["event"] == "epoch":
            parts = [f"epoch {event['epoch']} of {event['epochs']} on {', '.join(event['hosts'])}"]
        if event["stack"] is not None:
            parts.append(f"stack {event['stack']}")
        if says := event.get("says"):
            parts.append(says)
        yield f"{_time(event['at'])}  {', '.join(event['units'])}: {', '.join(parts)}"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
