"""Tables as the paper prints them, recomputed from the cells that it prints."""

from __future__ import annotations

from pathlib import Path

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.asked import Axes
from panda_ray.reports.reproduction.paper_table import Table
from panda_ray.reports.reproduction.printed import PrintedNumbers
from panda_ray.reports.reproduction.written.table_files import with_numbers, write_tables
from panda_ray.sweep_file import load_sweep
from panda_ray.usecases.reporting.places import check_folder
from panda_ray.usecases.reproducing.artefact_sweeps import axes_of


def printed_tables(artefact: Artefact) -> dict[str, Table]:
    """By title, with averages, gains and choices recomputed, and marks where the paper prints something else; none for
    a figure whose numbers it does not print."""
    axes = Axes() if artefact.sweep is None else axes_of(load_sweep(artefact.sweep))
    return with_numbers(artefact.tables(PrintedNumbers(), axes))


def write_printed(artefact: Artefact, tables: dict[str, Table], folder: Path) -> None:
    """Write them as files, a figure as a drawing too.

    Raises:
        InputError: the folder cannot be written.
    """
    check_folder(folder)
    write_tables(artefact, tables, folder)
