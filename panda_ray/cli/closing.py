"""The end of a run: what was found, what failed and why, where the report is, and how to go on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panda_ray.cli.console import stdout
from panda_ray.execution.signals import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from panda_ray.execution.events import RunSummary
    from panda_ray.execution.planning.plan import Plan
    from panda_ray.execution.store.store import Store

EXIT_FAILED = 1
_CAUSES_SHOWN = 5


@dataclass(frozen=True)
class Closing:
    """How a run ended.

    Attributes:
        command: the command line that continues the run.
        ui_command: the command line that opens MLflow.
        report: the HTML page, or None where there is none.
        headline: what was found.
        notes: what the user should know besides.
        seconds: wall time of the run.
    """

    plan: Plan
    store: Store
    summary: RunSummary
    command: str
    ui_command: str
    tracking_uri: str
    report: Path | None
    headline: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float

    @property
    def exit_code(self) -> int:
        """0 if every desired cell is done, 1 if some failed, 130 if the run was ended early."""
        if self.summary.interrupted is not None:
            return EXIT_INTERRUPTED
        return 0 if self.summary.complete else EXIT_FAILED

    @property
    def cells(self) -> dict[str, int]:
        """Cells in total, done, failed and blocked."""
        keys = [cell.key for cell in self.plan.cells]
        ended = {"done": self.summary.done, "failed": self.summary.failed, "blocked": self.summary.blocked}
        return {"total": len(keys)} | {name: sum(key in among for key in keys) for name, among in ended.items()}

    @property
    def units(self) -> dict[str, int]:
        """Units in total, done, new in this run, failed and blocked."""
        summary = self.summary
        ended = {"done": summary.done, "new": summary.new, "failed": summary.failed, "blocked": summary.blocked}
        return {"total": len(self.plan.units)} | {name: len(among) for name, among in ended.items()}

    def as_json(self) -> dict[str, Any]:
        """The same as JSON data."""
        return {
            "sweep": self.plan.sweep.name,
            "storage": self.store.url,
            "tracking_uri": self.tracking_uri,
            "cells": self.cells,
            "units": self.units,
            "failures": [
                {"key": key, "unit": self.plan.units[key].title, "error": error}
                for key, error in self.summary.failed.items()
            ],
            "skipped": [{"task": task, "reason": reason} for task, reason in self.plan.skipped],
            "interrupted": self.summary.interrupted,
            "report": None if self.report is None else str(self.report),
            "headline": list(self.headline),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 1),
            "exit_code": self.exit_code,
        }

    def print(self) -> None:
        """The same for people, on stdout."""
        stdout.print()
        for line in self.headline:
            stdout.print(line, markup=False, soft_wrap=True)
        cells = self.cells
        stdout.print(f"{cells['done']} of {cells['total']} cells done, {self.units['new']} new results.")
        self._print_failures()
        for note in self.notes:
            stdout.print(note, style="yellow", markup=False, soft_wrap=True)
        if self.summary.interrupted is not None:
            stdout.print(f"Ended early: {self.summary.interrupted}.", style="yellow", markup=False)
        if self.exit_code:
            stdout.print(f"The same command continues: {self.command}", markup=False, soft_wrap=True)
        if self.report is not None:
            stdout.print(f"Report: {self.report}", markup=False, soft_wrap=True)
        stdout.print(f"MLflow: {self.ui_command}", markup=False, soft_wrap=True)

    def _print_failures(self) -> None:
        failed = self.units["failed"]
        if not failed:
            return
        blocked = f", {self.units['blocked']} blocked by them" if self.units["blocked"] else ""
        where = f"{self.store.url}/failures"
        stdout.print(f"failed: {failed} of {self.units['total']}{blocked}, see {where}", style="red", soft_wrap=True)
        causes = Counter(self.summary.failed.values())
        for cause, count in causes.most_common(_CAUSES_SHOWN):
            example = next(key for key, error in self.summary.failed.items() if error == cause)
            more = f" and {count - 1} more" if count > 1 else ""
            stdout.print(f"  {self.plan.units[example].title}{more}: {cause}", markup=False, soft_wrap=True)
        if len(causes) > _CAUSES_SHOWN:
            stdout.print(f"  and {len(causes) - _CAUSES_SHOWN} other causes")
