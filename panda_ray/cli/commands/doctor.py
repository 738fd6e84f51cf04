"""`panda-ray doctor`: what is wrong with a machine, a cluster or a sweep, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from panda_ray.cli.console import print_json, stderr, stdout
from panda_ray.cli.options import ClusterFile, Json, Overrides
from panda_ray.errors import InputError

if TYPE_CHECKING:
    from panda_ray.usecases.doctor.examine import Examination

EXIT_UNWELL = 1

OptionalSweepFile = Annotated[
    str | None,
    typer.Argument(metavar="[SWEEP]", help="Sweep file, whose storage, tracking server, data and backbones are tried."),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="URL|auto|HOST:PORT",
        help="Jobs API of a cluster, http://HOST:8265; or a Ray cluster that this machine is a node of.",
    ),
]
Fix = Annotated[
    bool, typer.Option("--fix", help="Mend what is safe: stale runs, expired leases, leftovers, a token's permissions.")
]

_STYLES = {"ok": "green", "warning": "yellow", "failure": "red"}


def doctor(
    overrides: Overrides,
    sweep_file: OptionalSweepFile = None,
    cluster: ClusterFile = None,
    address: Address = None,
    fix: Fix = False,
    as_json: Json = False,
) -> None:
    """Look at versions, machines, storage, tracking server, data and leftovers; each finding comes with its remedy.

    With a cluster, all of it is looked at there, by a small job, and compared with what is installed here.

    Exit status: 0 if nothing keeps a run from working, 1 if something does, 2 for bad input.
    """
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.doctor.case import Case
    from panda_ray.usecases.doctor.examine import examine
    from panda_ray.usecases.on_head.home import named_home

    if cluster is not None and address is not None:
        raise InputError("name one cluster: --cluster FILE or --address")
    from_afar = cluster is not None or (address is not None and "://" in address)
    sweep = None if sweep_file is None else load_sweep(sweep_file, overrides, runs_here=not from_afar)
    if from_afar:
        from panda_ray.usecases.doctor.from_afar import examine_cluster

        found = examine_cluster(cluster, address, sweep, fix, stderr.status)
    else:
        found = examine(Case(sweep, address, named_home()), fix, stderr.status)
    code = 0 if found.healthy else EXIT_UNWELL
    if as_json:
        print_json(found.data | {"exit_code": code})
    else:
        print_examination(found)
    raise typer.Exit(code)


def print_examination(found: Examination) -> None:
    """The same for people."""
    for each in found.findings:
        stdout.print(
            f"{each.state:8}{each.check}: {each.says}", style=_STYLES[each.state], markup=False, soft_wrap=True
        )
        if each.remedy:
            stdout.print(f"{'':8}  {each.remedy}", markup=False, soft_wrap=True)
