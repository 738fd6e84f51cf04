"""`panda-ray submit` and `resume`: a sweep started on a cluster, looked at first; both return at once."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from panda_ray.cli.commands.remote.following import follow
from panda_ray.cli.console import print_json, stderr, stdout
from panda_ray.cli.options import ClusterFile, Follow, JobsAddress, Json, Overrides, SweepFile, SweepName
from panda_ray.cli.wording.words import duration, hours

if TYPE_CHECKING:
    from panda_ray.clusters.open_cluster import Cluster
    from panda_ray.usecases.remote.submit import Prepared

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Start without a question.")]
Upload = Annotated[
    bool, typer.Option("--upload-data", help="Bring folders that only this machine has to the cluster's storage.")
]


def submit(
    sweep_file: SweepFile,
    overrides: Overrides,
    cluster: ClusterFile = None,
    address: JobsAddress = None,
    yes: Yes = False,
    follow_log: Follow = False,
    upload_data: Upload = False,
    as_json: Json = False,
) -> None:
    """Start a sweep on a cluster after a look from there; one that runs is joined, a broken one goes on.

    Exit status: 0 if it was started, runs or is done, 1 if it failed while --follow looked on, 2 for bad input, 3 if
    the cluster cannot be reached.
    """
    from panda_ray.clusters.open_cluster import open_cluster
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.remote.submit import prepare

    sweep = load_sweep(sweep_file, overrides, runs_here=False)
    with open_cluster(cluster, address) as opened:
        with stderr.status(f"looking at {sweep.name} from {opened.title}"):
            prepared = prepare(opened, sweep, upload_data, _say)
        raise typer.Exit(_go_on(opened, prepared, yes, follow_log, as_json))


def _say(text: str) -> None:
    stderr.print(text, markup=False, soft_wrap=True)


def resume(
    name: SweepName,
    cluster: ClusterFile = None,
    address: JobsAddress = None,
    follow_log: Follow = False,
    as_json: Json = False,
) -> None:
    """Go on with a sweep that was paused, cancelled or broken, from what the cluster has of it.

    Exit status: as of `submit`.
    """
    from panda_ray.clusters.open_cluster import open_cluster
    from panda_ray.usecases.remote.submit import prepare_again

    with open_cluster(cluster, address) as opened:
        with stderr.status(f"looking for {name} on {opened.title}"):
            prepared = prepare_again(opened, name)
        raise typer.Exit(_go_on(opened, prepared, True, follow_log, as_json))


def _go_on(cluster: Cluster, prepared: Prepared, yes: bool, follow_log: bool, as_json: bool) -> int:
    """Start what is prepared, say so, and look on where that is wanted; the exit status."""
    from panda_ray.usecases.remote.submit import start

    if prepared.is_startable:
        for line in describe(prepared, cluster.title):
            _say(line)
        if not yes and not typer.confirm("Start it?", default=True, err=True):
            return 0
        prepared = start(cluster, prepared)
    if as_json:
        print_json(_as_json(prepared))
    else:
        _print(cluster, prepared)
    return follow(cluster, prepared.id) if follow_log and prepared.state != "done" else 0


def describe(prepared: Prepared, title: str) -> list[str]:
    """What is known before it starts: versions, time and price, and what is not well there or between both sides."""
    facts = prepared.facts or {}
    lines = []
    if "cells" in facts:
        cells = f"{facts['done']} of {facts['cells']} cells done"
        lines.append(f"{prepared.name} on {title}: {cells}, in {facts['storage']}")
    if there := facts.get("versions"):
        known = (f"{name} {version}" for name, version in there.items() if version and name != "code")
        lines.append(f"installed there: {', '.join(known)}")
    if ahead := facts.get("ahead"):
        cost = "" if ahead["price"] is None else f", {ahead['price']:,.2f} {ahead['currency']}"
        lines.append(
            f"{facts['stacks']} stacks to run, about {duration(ahead['seconds'])} one after the other: "
            f"{hours(ahead['hours'])} {ahead['hours_of']}-hours on {ahead['device']}{cost} "
            f"({ahead['measured']:.0%} of it measured there)"
        )
    if prepared.code is not None:
        has = "has another panda_ray" if facts["versions"]["code"] else "has no panda_ray installed"
        lines.append(f"{title} {has}; this one comes along")
    lines += ["; ".join(filter(None, (each.says, each.remedy))) for each in prepared.findings]
    return lines


def _as_json(prepared: Prepared) -> dict[str, Any]:
    """`state`: `running` (it did already), `done`, `new` or `broken` (of which a new job was started)."""
    facts = prepared.facts or {}
    return {
        "sweep": prepared.name,
        "id": prepared.id,
        "state": prepared.state,
        "started": prepared.is_startable,
        "ships_code": prepared.code is not None,
        "storage": facts.get("storage"),
        "cells": facts.get("cells"),
        "done": facts.get("done"),
        "ahead": facts.get("ahead"),
        "versions": facts.get("versions"),
        "findings": [finding.data for finding in prepared.findings],
        "exit_code": 0,
    }


def _print(cluster: Cluster, prepared: Prepared) -> None:
    said = {
        "running": f"{prepared.name} runs already, as {prepared.id}",
        "done": f"{prepared.name} is done on {cluster.title}; nothing was started",
        "new": f"started {prepared.id}",
        "broken": f"started {prepared.id}, which goes on where the sweep was left",
    }
    stdout.print(f"{said[prepared.state]}.", markup=False, soft_wrap=True)
    if prepared.state != "done":
        for command in ("jobs", f"logs {prepared.name} --follow", f"pause {prepared.name}"):
            option = shlex.join(cluster.option)
            stdout.print(f"  panda-ray {command} {option}", markup=False, soft_wrap=True)
