"""`panda-ray report`: tables, heat maps and the HTML page of a sweep, made from MLflow alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panda_ray.cli.console import stderr, stdout
from panda_ray.cli.drawing.found import print_findings
from panda_ray.cli.options import ClusterFile, JobsAddress, Overrides, SweepFile
from panda_ray.errors import InputError

if TYPE_CHECKING:
    from panda_ray.reports.written_report import Report

Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where to write; reports/<name> in a local storage unless given.")
]


OwnRows = Annotated[
    bool,
    typer.Option(
        "--own-rows", help="Show rows of your own files among the cases of the page, of which MLflow keeps a copy."
    ),
]


def report(
    sweep_file: SweepFile,
    overrides: Overrides,
    out: Out = None,
    own_rows: OwnRows = False,
    cluster: ClusterFile = None,
    address: JobsAddress = None,
) -> None:
    """Write scores, similarities, tables, heat maps and report.html; asks the tracking server, not the store.

    With a cluster, SWEEP may be the name alone.
    """
    if cluster is None and address is None:
        from panda_ray.sweep_file import load_sweep
        from panda_ray.usecases.reporting.report import report_sweep

        _print(report_sweep(load_sweep(sweep_file, overrides), out, own_rows))
        return
    if own_rows:
        raise InputError("--own-rows shows files of this machine; it has no meaning with --cluster and --address")
    from panda_ray.sweep_file.names_of_sweeps import sweep_name
    from panda_ray.usecases.reporting.report import report_by_name
    from panda_ray.usecases.watching.cluster_mlflow import cluster_mlflow

    with cluster_mlflow(cluster, address) as mlflow:
        _print(report_by_name(mlflow.uri(), sweep_name(sweep_file, overrides), out))


def _print(written: Report) -> None:
    print_findings(written)
    for note in written.notes:
        stderr.print(note, style="yellow", markup=False, soft_wrap=True)
    stdout.print(f"Report: {written.paths[0]}", markup=False, soft_wrap=True)
