"""Arguments that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

SweepFile = Annotated[
    str,
    typer.Argument(metavar="SWEEP", help="Sweep file, or a shipped sweep by name: quickstart, paper/bert_large ..."),
]

Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Replace one value of the sweep file; the key may be dotted, the value is YAML: "
        "--set 'seeds=[1,2]' --set tasks.cb.epochs=3. May be repeated.",
        default_factory=list,
        show_default=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")]

ClusterFile = Annotated[
    str | None,
    typer.Option("--cluster", metavar="FILE", help="The file that a cluster was started with; a tunnel leads to it."),
]

JobsAddress = Annotated[
    str | None, typer.Option("--address", metavar="URL", help="Jobs API of a cluster instead: http://HOST:8265.")
]

SweepName = Annotated[
    str, typer.Argument(metavar="SWEEP", help="Name of a sweep on the cluster; `panda-ray jobs` lists them.")
]

Follow = Annotated[
    bool, typer.Option("--follow", help="Stream the driver's log until it ends; Ctrl-C ends the streaming alone.")
]
