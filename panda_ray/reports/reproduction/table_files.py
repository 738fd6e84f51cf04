"""An artefact as files: a study's numbers beside the paper's."""

from __future__ import annotations

from pathlib import Path

from panda_ray.reports.figures.paper_charts import bars_chart, curves_chart
from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes
from panda_ray.reports.reproduction.of_study import StudyNumbers
from panda_ray.reports.reproduction.paper_table import Entry, Table, beside
from panda_ray.reports.reproduction.printed import PrintedNumbers
from panda_ray.reports.reproduction.writing import csv_text, latex, markdown
from panda_ray.tracking.study import Study


def compared_tables(artefact: Artefact, study: Study, axes: Axes) -> dict[str, Table]:
    """By title, a study's numbers with what the paper prints in the same places."""
    ours, papers = (artefact.tables(numbers, axes) for numbers in (StudyNumbers(study), PrintedNumbers()))
    return {title: beside(table, papers[title]) for title, table in ours.items()}


def write_tables(artefact: Artefact, tables: dict[str, Table], folder: Path) -> list[Path]:
    """Write `table4.md` and `.tex` with all of its tables, and a `.csv` for each; of a figure, drawings too."""
    paths = [folder / f"{artefact.id}.{ending}" for ending in ("md", "tex")]
    for path, write in zip(paths, (markdown, latex), strict=True):
        path.write_text("\n".join(write(title, table) for title, table in tables.items()), encoding="utf-8")
    for number, (title, table) in enumerate(tables.items(), start=1):
        name = artefact.id if len(tables) == 1 else f"{artefact.id}_{number}"
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(csv_text(table), encoding="utf-8")
        if artefact.chart is not None:
            draw = bars_chart if artefact.chart == "bars" else curves_chart
            paths += draw(name, title, table.columns, _series(table)).save(folder)
    return paths


def _series(table: Table) -> dict[str, list[tuple[float, float | None] | None]]:
    """The rows that have numbers."""
    rows = {
        " ".join(line.names): [
            (entry.value.mean, entry.value.std) if isinstance(entry, Entry) and entry.value else None
            for entry in line.entries
        ]
        for line in table.lines
    }
    return {name: values for name, values in rows.items() if any(values)}
