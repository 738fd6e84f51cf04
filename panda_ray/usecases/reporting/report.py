"""The report of a sweep, made from MLflow and written to a folder."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

from panda_ray.execution.store.store import Store
from panda_ray.reports.build import build_report, report_study
from panda_ray.reports.written_report import Report
from panda_ray.sweep import Sweep
from panda_ray.tracking.identity import OtherSweepError
from panda_ray.tracking.reading.read_study import read_study
from panda_ray.tracking.server.uri import tracking_uri_of
from panda_ray.usecases.reporting.places import beside_results, check_folder
from panda_ray.usecases.reporting.shown_rows import shown_rows
from panda_ray.usecases.reporting.unchanged import made_of, remember
from panda_ray.usecases.searching.searches import known_plan
from panda_ray.usecases.track import track_sweep

_LOGGED_ANEW = "MLflow had the cells of another sweep under the name"


def report_sweep(sweep: Sweep, folder: Path | None = None, own_rows: bool = False) -> Report:
    """Write scores, similarities, tables, heat maps and the page; asks the tracking server, not the store.

    Where another sweep was run under the name since, such as a larger one that was interrupted, MLflow has its cells;
    this sweep is logged anew then, from what the store has of it.

    Args:
        folder: where to; beside the results unless given, or in the working directory where those are remote.
        own_rows: show rows of the user's own files among the cases of the page, which MLflow keeps.

    Raises:
        InputError: MLflow cannot be read or has no such sweep, or the folder cannot be written.
    """
    folder = folder or beside_results(sweep)
    check_folder(folder)
    try:
        return _made(sweep, folder, own_rows)
    except OtherSweepError:
        if not _has_cells(sweep) or track_sweep(sweep).tracker.message(""):
            raise
    report = _made(sweep, folder, own_rows)
    return replace(report, notes=(*report.notes, f"{_LOGGED_ANEW} {sweep.name!r}; it has this one's cells again"))


def _made(sweep: Sweep, folder: Path, own_rows: bool) -> Report:
    """The report, and beside the results what it was made of, as it was before: more may come meanwhile."""
    rows_of = partial(shown_rows, sweep, own_rows=own_rows)
    uri = tracking_uri_of(sweep.storage, sweep.tracking_uri)
    found = made_of(sweep, own_rows)
    report = build_report(uri, sweep, folder, rows_of)
    if report.is_logged and folder == beside_results(sweep):
        remember(folder, found, report)
    return report


def _has_cells(sweep: Sweep) -> bool:
    store = Store(sweep.storage)
    plan, _ = known_plan(sweep, store)
    return any(cell.key in plan.done for cell in plan.cells)


def report_by_name(tracking_uri: str, name: str, folder: Path | None = None) -> Report:
    """The report of whatever was run last under a name, for those who have no file of the sweep.

    Args:
        folder: where to; `reports/<name>` in the working directory unless given.

    Raises:
        InputError: as `report_sweep`.
    """
    folder = folder or Path("reports", name)
    check_folder(folder)
    study = replace(read_study(tracking_uri, name), runs_page=None)  # the way to a cluster ends with the command
    return report_study(tracking_uri, study, folder)


def report_beside_results(sweep: Sweep, store: Store) -> tuple[Report, str]:
    """The report at the end of a run, which may be on a machine that nobody looks at: kept where the results are.

    Returns:
        The report, and where its page is: a path, or a URL of a remote storage.

    Raises:
        InputError: as `report_sweep`, or the storage does not take it.
    """
    if store.local_folder is not None:
        report = report_sweep(sweep)
        return report, str(report.paths[0])
    with tempfile.TemporaryDirectory() as folder:
        rows_of = partial(shown_rows, sweep, own_rows=False)
        report = build_report(tracking_uri_of(sweep.storage, sweep.tracking_uri), sweep, Path(folder), rows_of)
        place = store.write_report(sweep.name, {path.name: path.read_bytes() for path in report.paths})
    return report, f"{place}/{report.paths[0].name}"
