"""`panda-ray jobs`, `pause` and `cancel`: the sweeps of a cluster, and what becomes of them."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from rich.table import Table

from panda_ray.cli.console import print_json, stderr, stdout
from panda_ray.cli.options import ClusterFile, JobsAddress, Json, SweepName
from panda_ray.cli.wording.words import duration

if TYPE_CHECKING:
    from panda_ray.usecases.remote.entries import Entry


def jobs(cluster: ClusterFile = None, address: JobsAddress = None, as_json: Json = False) -> None:
    """List the sweeps of a cluster, with those of before its head was restarted.

    Exit status: 0, 2 for bad input, 3 if the cluster cannot be reached.
    """
    from panda_ray.clusters.open_cluster import open_cluster
    from panda_ray.usecases.remote.entries import entries

    with open_cluster(cluster, address) as opened, stderr.status(f"asking {opened.title}"):
        found, title = entries(opened), opened.title
    if as_json:
        print_json({"cluster": title, "sweeps": [_as_json(entry) for entry in found], "exit_code": 0})
    elif found:
        stdout.print(_table(found))
    else:
        stdout.print(f"no sweep was submitted to {title}", markup=False, soft_wrap=True)


def pause(name: SweepName, cluster: ClusterFile = None, address: JobsAddress = None, as_json: Json = False) -> None:
    """Let running stacks save what they are at, and stop; `resume` goes on from there.

    Exit status: 0, 2 for bad input, 3 if the cluster cannot be reached.
    """
    _stop(name, cluster, address, "pausing", "paused", as_json)


def cancel(name: SweepName, cluster: ClusterFile = None, address: JobsAddress = None, as_json: Json = False) -> None:
    """Stop a sweep for good; what is finished stays, and submitting it again goes on from there.

    Exit status: 0, 2 for bad input, 3 if the cluster cannot be reached.
    """
    _stop(name, cluster, address, "cancelling", "cancelled", as_json)


def _stop(name: str, cluster: str | None, address: str | None, wanted: str, becomes: str, as_json: bool) -> None:
    from panda_ray.clusters.open_cluster import open_cluster
    from panda_ray.usecases.remote.stop import stop

    with open_cluster(cluster, address) as opened:
        with stderr.status(f"{wanted} {name}"):
            submission_id = stop(opened, name, wanted)
        option = " ".join(opened.option)
    if as_json:
        print_json({"sweep": name, "id": submission_id, "state": becomes, "exit_code": 0})
    else:
        stdout.print(f"{submission_id} is {becomes}. It goes on with:", markup=False, soft_wrap=True)
        stdout.print(f"  panda-ray resume {name} {option}", markup=False, soft_wrap=True)


def _as_json(entry: Entry) -> dict[str, object]:
    return {
        "sweep": entry.sweep,
        "id": entry.id,
        "state": entry.state,
        "since": None if entry.since is None else datetime.fromtimestamp(entry.since).astimezone().isoformat(),
        "progress": entry.progress,
    }


def _table(entries: list[Entry]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("sweep", "job", "state", "for", "progress"):
        table.add_column(column)
    for entry in entries:
        lasted = "" if entry.since is None else duration(max(0.0, time.time() - entry.since))
        table.add_row(entry.sweep, entry.id, entry.state, lasted, entry.progress or "")
    return table
