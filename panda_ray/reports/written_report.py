"""A report that was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class BestRow(NamedTuple):
    """The best source of a target in words, as `panda-ray best` finds it.

    Attributes:
        gain: over prompt tuning, in points, and its 95 % interval.
        lead: over the next best transfer, with its interval.
    """

    backbone: str
    target: str
    source: str
    method: str
    gain: str
    interval: str
    lead: str


@dataclass(frozen=True)
class Report:
    """A written report.

    Attributes:
        paths: every file; the HTML page is first.
        verdict: what it comes to, a sentence for each backbone.
        best: a row for each target of each backbone with a finished transfer.
        findings: what was found, and what is missing, in sentences.
        notes: what could not be shown or kept, and why.
        is_logged: whether MLflow has it, too.
    """

    paths: tuple[Path, ...]
    verdict: tuple[str, ...]
    best: tuple[BestRow, ...]
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()
    is_logged: bool = False

    @property
    def headline(self) -> tuple[str, ...]:
        """All sentences."""
        return (*self.verdict, *self.findings)
