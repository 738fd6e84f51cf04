"""Options that name a cluster, and the name of a sweep on it."""

from __future__ import annotations

from typing import Annotated

import typer

ClusterFile = Annotated[
    str | None,
    typer.Option("--cluster", metavar="FILE", help="Cluster file; its head is reached through a tunnel of ours."),
]
JobsAddress = Annotated[
    str | None,
    typer.Option("--address", metavar="URL", help="Jobs API of a cluster that can be reached: http://host:8265."),
]
SweepName = Annotated[
    str, typer.Argument(metavar="SWEEP", help="Name of a sweep on the cluster; `panda-ray jobs` lists them.")
]
Follow = Annotated[
    bool, typer.Option("--follow", help="Stream the driver's log until it ends; Ctrl-C ends the streaming alone.")
]
