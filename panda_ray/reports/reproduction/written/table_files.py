"""An artefact as files: a study's numbers beside the paper's."""

from __future__ import annotations

from pathlib import Path

from panda_ray.foreign_text import markdown_text
from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes
from panda_ray.reports.reproduction.of_study import StudyNumbers
from panda_ray.reports.reproduction.paper_table import Table, beside
from panda_ray.reports.reproduction.printed import PrintedNumbers
from panda_ray.reports.reproduction.stored import NOTHING, Stored
from panda_ray.reports.reproduction.written.charts_of_tables import drawn
from panda_ray.reports.reproduction.written.writing import csv_text, latex, markdown
from panda_ray.tracking.reading.study import Study


def compared_tables(artefact: Artefact, study: Study, axes: Axes, stored: Stored = NOTHING) -> dict[str, Table]:
    """By title, a study's numbers with what the paper prints in the same places; those with neither are left out."""
    ours, papers = (artefact.tables(numbers, axes) for numbers in (StudyNumbers(study, stored), PrintedNumbers()))
    return with_numbers(
        {title: table if papers[title].is_blank else beside(table, papers[title]) for title, table in ours.items()}
    )


def with_numbers(tables: dict[str, Table]) -> dict[str, Table]:
    """The tables that are not blank."""
    return {title: table for title, table in tables.items() if not table.is_blank}


def write_tables(artefact: Artefact, tables: dict[str, Table], folder: Path) -> list[Path]:
    """Write `table4.md` and `.tex` with all of its tables, and a `.csv` for each; of a figure, drawings too. Nothing is
    written of an artefact without tables."""
    if not tables:
        return []
    paths, pages = [], []
    for number, (title, table) in enumerate(tables.items(), start=1):
        name = artefact.id if len(tables) == 1 else f"{artefact.id}_{number}"
        pages.append(markdown(title, table))
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(csv_text(table), encoding="utf-8")
        if (drawing := drawn(artefact, name, title, table)) is not None:
            paths += drawing.save(folder)
            pages.append(f"![{markdown_text(title)}]({name}.svg)\n\n*{markdown_text(drawing.caption)}*\n")
    texts = {"md": pages, "tex": [latex(title, table) for title, table in tables.items()]}
    whole = [folder / f"{artefact.id}.{ending}" for ending in texts]
    for path, parts in zip(whole, texts.values(), strict=True):
        path.write_text("\n".join(parts), encoding="utf-8")
    return [*whole, *paths]
