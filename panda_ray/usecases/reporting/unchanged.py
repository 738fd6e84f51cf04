"""A report that need not be made again: everything that it was made of is as it was, and so are its files.

Beside the files lies what they were made of, as a hash, and what each of them was. Whatever is not as it was, is
missing or cannot be read means that the report is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from panda_ray.clusters.code import code_hash
from panda_ray.errors import InputError
from panda_ray.foreign_text import one_line
from panda_ray.reports.written_report import BestRow, Report
from panda_ray.sweep import Sweep
from panda_ray.tracking.reading.study_inputs import StudyInputs, study_inputs
from panda_ray.tracking.server.uri import tracking_uri_of
from panda_ray.usecases.reporting.places import beside_results
from panda_ray.usecases.reporting.shown_rows import absence_of

MADE_OF = "made_of.json"
"""File beside the report."""


def made_of(sweep: Sweep, own_rows: bool) -> str:
    """Hash of all that a report of the sweep is made of: what MLflow has, rows of this machine, and our own code.

    Raises:
        InputError: as `read_study`.
    """
    return _hash_of(sweep, study_inputs(_uri(sweep), sweep), own_rows)


def remember(folder: Path, made_of: str, report: Report) -> None:
    """Note what a report in a folder was made of; where that cannot be noted, the next one is made anew."""
    files = {path.name: _sha256(path) for path in report.paths}
    said = {"verdict": report.verdict, "best": report.best, "findings": report.findings, "notes": report.notes}
    noted = {"made_of": made_of, "files": files, **said}
    with suppress(OSError):
        new = folder / f"{MADE_OF}.{os.getpid()}"
        new.write_text(json.dumps(noted, indent=1), encoding="utf-8")
        new.replace(folder / MADE_OF)


def unchanged_report(sweep: Sweep) -> Report | None:
    """The report beside the results, if one that is made now would be the same, and MLflow has it, too."""
    folder = beside_results(sweep)
    try:
        noted = json.loads((folder / MADE_OF).read_text(encoding="utf-8"))
        report = _noted(folder, noted)
        if any(path.parent != folder or _sha256(path) != noted["files"][path.name] for path in report.paths):
            return None
        inputs = study_inputs(_uri(sweep), sweep)
        is_same = noted["made_of"] == _hash_of(sweep, inputs, own_rows=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError):
        return None
    return report if is_same and inputs.reported.issuperset(path.name for path in report.paths) else None


def _noted(folder: Path, noted: Any) -> Report:
    verdict, findings, notes = (
        tuple(one_line(line) for line in noted[name]) for name in ("verdict", "findings", "notes")
    )
    best = tuple(BestRow(*map(one_line, row)) for row in noted["best"])
    return Report(tuple(folder / name for name in noted["files"]), verdict, best, findings, notes, is_logged=True)


def _hash_of(sweep: Sweep, inputs: StudyInputs, own_rows: bool) -> str:
    rows = {target: absence_of(sweep, target, inputs.fingerprints[target], own_rows) for target in sweep.targets}
    parts = [code_hash(), inputs.digest, rows, own_rows]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _uri(sweep: Sweep) -> str:
    return tracking_uri_of(sweep.storage, sweep.tracking_uri)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
