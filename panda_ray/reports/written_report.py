"""A report that was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Report:
    """A written report.

    Attributes:
        paths: every file; the HTML page is first.
        headline: what was found, a few sentences.
        notes: what could not be shown or kept, and why.
        is_logged: whether MLflow has it, too.
    """

    paths: tuple[Path, ...]
    headline: tuple[str, ...]
    notes: tuple[str, ...] = ()
    is_logged: bool = False
