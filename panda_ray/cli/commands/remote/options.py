"""What the commands about sweeps on a cluster share: the name of one, and whether to look on."""

from __future__ import annotations

from typing import Annotated

import typer

SweepName = Annotated[
    str, typer.Argument(metavar="SWEEP", help="Name of a sweep on the cluster; `panda-ray jobs` lists them.")
]
Follow = Annotated[
    bool, typer.Option("--follow", help="Stream the driver's log until it ends; Ctrl-C ends the streaming alone.")
]
