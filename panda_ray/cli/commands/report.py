"""`panda-ray report`: tables, heat maps and the HTML page of a sweep, made from MLflow alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda_ray.cli.console import stderr, stdout
from panda_ray.cli.options import Overrides, SweepFile

Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where to write; reports/<name> in a local storage unless given.")
]


def report(sweep_file: SweepFile, overrides: Overrides, out: Out = None) -> None:
    """Write scores, similarities, tables, heat maps and report.html; asks the tracking server, not the store."""
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.report import report_sweep

    written = report_sweep(load_sweep(sweep_file, overrides), out)
    for line in written.headline:
        stdout.print(line, markup=False, soft_wrap=True)
    for note in written.notes:
        stderr.print(note, style="yellow", markup=False, soft_wrap=True)
    stdout.print(f"Report: {written.paths[0]}", markup=False, soft_wrap=True)
