"""Builds a sweep's report from its tracking server alone, writes it to a folder and keeps it in MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from panda_ray.errors import InputError
from panda_ray.foreign_text import file_name, markdown_text, spreadsheet_text
from panda_ray.reports.findings import best_line, best_rows, findings, verdicts
from panda_ray.reports.formatting import latex, markdown
from panda_ray.reports.html_page.render import render
from panda_ray.reports.numbers.analysis import Analysis
from panda_ray.reports.numbers.frame import TEXT_COLUMNS, scores_csv, similarity_csv
from panda_ray.reports.numbers.statistics import REPLICATES
from panda_ray.reports.numbers.turned_items import NO_ROWS, DevRows, RowsOf
from panda_ray.reports.sections import sections_of
from panda_ray.reports.written_report import Report
from panda_ray.sweep import Sweep
from panda_ray.tracking.reading.read_study import log_report, read_study
from panda_ray.tracking.reading.study import Study
from panda_ray.tracking.runs import REPORT_PAGE


def build_report(tracking_uri: str, sweep: Sweep, out_dir: Path, rows_of: RowsOf = lambda _: {}) -> Report:
    """Aggregate what MLflow has of a sweep, write the report and log it to the summary runs.

    That MLflow does not take it is a note: the files are written.

    Args:
        rows_of: the dev rows that the page may show.

    Raises:
        InputError: when MLflow cannot be reached, has no such sweep, or has another one under its name.
    """
    study = read_study(tracking_uri, sweep.name, sweep)
    return report_study(tracking_uri, study, out_dir, rows_of(study))


def report_study(tracking_uri: str, study: Study, out_dir: Path, rows: Mapping[str, DevRows] = NO_ROWS) -> Report:
    """The same for a study that was read already."""
    report = write_report(study, out_dir, rows=rows)
    try:
        lines = [*report.headline, *([best_line(report.best)] if report.best else [])]
        log_report(tracking_uri, study, report.paths, [markdown_text(line) for line in lines])
    except InputError as error:
        return replace(report, notes=(*report.notes, str(error)))
    return replace(report, is_logged=True)


def write_report(
    study: Study, folder: Path, replicates: int = REPLICATES, rows: Mapping[str, DevRows] = NO_ROWS
) -> Report:
    """Write every file of the report of a study.

    Args:
        replicates: samples of every bootstrap interval.
        rows: by target, as far as they may be shown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sections = sections_of(study, replicates)
    analyses = [section.analysis for section in sections]
    verdict, found = verdicts(analyses), findings(study, analyses)
    page = folder / REPORT_PAGE
    page.write_text(render(study, sections, [*verdict, *found], rows), encoding="utf-8", errors="replace")
    paths = [page, _csv(folder, "scores", scores_csv(study)), _csv(folder, "similarity", similarity_csv(study))]
    paths += [path for analysis in analyses for path in _tables(folder, analysis)]
    paths += [path for section in sections for drawing in section.drawings for path in drawing.save(folder)]
    return Report(tuple(paths), tuple(verdict), tuple(best_rows(analyses)), tuple(found), study.notes)


def _csv(folder: Path, name: str, frame: pd.DataFrame) -> Path:
    path = folder / f"{name}.csv"
    texts = {name: column.map(spreadsheet_text) for name, column in frame.items() if name in TEXT_COLUMNS}
    frame.assign(**texts).to_csv(path, index=False, lineterminator="\n", errors="replace")
    return path


def _tables(folder: Path, analysis: Analysis) -> list[Path]:
    written = []
    for ending, write in (("md", markdown), ("tex", latex)):
        path = folder / f"table_{file_name(analysis.backbone)}.{ending}"
        path.write_text(write(analysis.table), encoding="utf-8")
        written.append(path)
    return written
