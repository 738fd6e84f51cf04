"""An artefact of a study that has run: the table beside the paper's, and the sweep that it comes from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.missing_cells import missing_cells
from panda_ray.reports.reproduction.paper_table import Table
from panda_ray.reports.reproduction.written.table_files import compared_tables, write_tables
from panda_ray.sweep import Sweep
from panda_ray.tracking.reading.read_study import read_study
from panda_ray.tracking.server.uri import tracking_uri_of
from panda_ray.usecases.reporting.places import beside_results, check_folder
from panda_ray.usecases.reproducing.artefact_sweeps import axes_of
from panda_ray.usecases.reproducing.stored_cells import StoredCells


@dataclass(frozen=True)
class Reproduced:
    """What was written.

    Attributes:
        tables: by title.
        missing: cells that no method of the sweep gives, by the method's label.
        paths: every file; the sweep is the last.
    """

    tables: dict[str, Table]
    missing: dict[str, int]
    paths: tuple[Path, ...]


def reproduce(artefact: Artefact, sweep: Sweep, folder: Path | None = None) -> Reproduced:
    """Write an artefact from what MLflow has of its sweep, and the store if need be, and the sweep file that makes it
    again.

    Args:
        folder: where to; beside the sweep's report unless given.

    Raises:
        InputError: MLflow cannot be read or has no such sweep, or the folder cannot be written.
    """
    folder = folder or beside_results(sweep)
    check_folder(folder)
    study = read_study(tracking_uri_of(sweep.storage, sweep.tracking_uri), sweep.name, sweep)
    axes = axes_of(sweep)
    tables = compared_tables(artefact, study, axes, StoredCells(sweep))
    missing = missing_cells(artefact, axes, list(study.methods))
    file = folder / f"{artefact.id}.sweep.yaml"
    file.write_text(_as_file(artefact, sweep), encoding="utf-8")
    return Reproduced(tables, missing, (*write_tables(artefact, tables, folder), file))


def _as_file(artefact: Artefact, sweep: Sweep) -> str:
    """The sweep as it was asked for: a key per line, in JSON, which is YAML, too."""
    said = sweep.model_dump(mode="json", exclude_unset=True)
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in said.items()]
    return "\n".join([f"# {artefact.title}", *lines, ""])
