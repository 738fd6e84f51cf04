"""The end of a run: what was found, what failed and why, where the report is, and how to go on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from panda_ray.cli.console import print_sentence, stdout
from panda_ray.cli.drawing.found import print_findings
from panda_ray.cli.wording.choice_words import describe_unchosen
from panda_ray.cli.wording.search_words import describe_choice, describe_chosen, standings_as_json
from panda_ray.execution.signals import EXIT_INTERRUPTED
from panda_ray.secrets import public

if TYPE_CHECKING:
    from panda_ray.reports.written_report import BestRow
    from panda_ray.usecases.run import Run

EXIT_FAILED = 1
_CAUSES_SHOWN = 5


@dataclass(frozen=True)
class Commands:
    """Command lines that go on from the end of a run."""

    again: str
    track: str
    ui: str


@dataclass(frozen=True)
class Closing:
    """What is said of a run that has ended."""

    run: Run
    commands: Commands

    @property
    def exit_code(self) -> int:
        """0 if every desired cell is done, 1 if some failed, 130 if the run was ended early."""
        if self.run.summary.interrupted is not None:
            return EXIT_INTERRUPTED
        return 0 if self.run.complete else EXIT_FAILED

    @property
    def headline(self) -> tuple[str, ...]:
        """What was found."""
        return () if self.run.report is None else self.run.report.headline

    @property
    def best(self) -> tuple[BestRow, ...]:
        """The best source of each target."""
        return () if self.run.report is None else self.run.report.best

    @property
    def notes(self) -> list[str]:
        """What the user should know besides."""
        run = self.run
        unchosen = describe_unchosen(len(run.unchosen)) if run.unchosen else None
        notes = [unchosen, run.refused, run.tracker.message(self.commands.track), run.no_report]
        return [note for note in notes if note] + list(run.report.notes if run.report else ())

    def as_json(self) -> dict[str, Any]:
        """The same as JSON data."""
        run = self.run
        return {
            "sweep": run.plan.sweep.name,
            "storage": run.storage,
            "tracking_uri": public(run.tracker.tracking_uri),
            "cells": run.cells,
            "units": run.units,
            "failures": [
                {"key": key, "unit": run.plan.units[key].title, "error": error}
                for key, error in run.summary.failed.items()
            ],
            "preemptions": run.summary.preemptions,
            "skipped": [{"task": task, "reason": reason} for task, reason in run.plan.skipped],
            "interrupted": run.summary.interrupted,
            "report": self.run.page,
            "search": standings_as_json(self.run.studies) or None,
            "headline": list(self.headline),
            "best": [row._asdict() for row in self.best],
            "notes": self.notes,
            "seconds": round(run.seconds, 1),
            "exit_code": self.exit_code,
        }

    def print(self) -> None:
        """The same for people, on stdout."""
        stdout.print()
        if self.run.report is not None:
            print_findings(self.run.report)
        for line in describe_chosen(self.run.studies):
            print_sentence(line)
        if self.run.studies:
            stdout.print(describe_choice(self.run.plan.sweep), markup=False, soft_wrap=True)
        cells, interrupted = self.run.cells, self.run.summary.interrupted
        stdout.print(f"{cells['done']} of {cells['total']} cells done, {self.run.units['new']} new results.")
        self._print_failures()
        if away := self.run.summary.preemptions:
            stdout.print(f"Running stacks lost their nodes {away} times and went on elsewhere.")
        for note in self.notes:
            stdout.print(note, style="yellow", markup=False, soft_wrap=True)
        if interrupted is not None:
            stdout.print(f"Ended early: {interrupted}.", style="yellow", markup=False)
        if self.exit_code:
            stdout.print(f"The same command continues: {self.commands.again}", markup=False, soft_wrap=True)
        if self.run.page is not None:
            stdout.print(
                f"Report: {self.run.page} (and in MLflow, with the summary runs)", markup=False, soft_wrap=True
            )
        stdout.print(f"MLflow: {self.commands.ui}", markup=False, soft_wrap=True)

    def _print_failures(self) -> None:
        units, errors = self.run.units, self.run.summary.failed
        if not errors:
            return
        blocked = f", {units['blocked']} blocked by them" if units["blocked"] else ""
        where = f"{self.run.storage}/failures"
        stdout.print(f"failed: {len(errors)} of {units['total']}{blocked}, see {where}", style="red", soft_wrap=True)
        causes = Counter(errors.values())
        for cause, count in causes.most_common(_CAUSES_SHOWN):
            example = next(key for key, error in errors.items() if error == cause)
            more = f" and {count - 1} more" if count > 1 else ""
            stdout.print(f"  {self.run.plan.units[example].title}{more}: {cause}", markup=False, soft_wrap=True)
        if len(causes) > _CAUSES_SHOWN:
            stdout.print(f"  and {len(causes) - _CAUSES_SHOWN} other causes")
