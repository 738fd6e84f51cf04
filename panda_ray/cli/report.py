"""`panda-ray report`: tables, heat maps and the HTML page of a sweep, made from MLflow alone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panda_ray.cli.console import stderr, stdout
from panda_ray.cli.options import Overrides, SweepFile
from panda_ray.errors import InputError

if TYPE_CHECKING:
    from panda_ray.sweep import Sweep

Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where to write; reports/<name> in a local storage unless given.")
]


def report(sweep_file: SweepFile, overrides: Overrides, out: Out = None) -> None:
    """Write scores, similarities, tables, heat maps and report.html; asks the tracking server, not the store."""
    from panda_ray.reports.build import build_report
    from panda_ray.sweep_file import load_sweep
    from panda_ray.tracking.uri import tracking_uri_of

    sweep = load_sweep(sweep_file, overrides)
    tracking_uri = tracking_uri_of(sweep.storage, sweep.tracking_uri)
    folder = out or report_folder(sweep)
    check_folder(folder)
    written = build_report(tracking_uri, sweep, folder)
    for line in written.headline:
        stdout.print(line, markup=False, soft_wrap=True)
    for note in written.notes:
        stderr.print(note, style="yellow", markup=False, soft_wrap=True)
    stdout.print(f"Report: {written.paths[0]}", markup=False, soft_wrap=True)


def report_folder(sweep: Sweep) -> Path:
    """Beside the results, or in the working directory where those are remote."""
    is_remote = "://" in sweep.storage
    return (Path() if is_remote else Path(sweep.storage)) / "reports" / sweep.name


def check_folder(folder: Path) -> None:
    """Make the folder of a report, before the report is.

    Raises:
        InputError: it cannot be a folder, or nothing can be written in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"the report cannot be written to {folder} ({error.strerror}); choose another folder: report --out DIR"
        ) from error
