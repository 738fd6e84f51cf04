"""`panda-ray run`: start, resume or extend a sweep, show how it goes, and say what was found."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panda_ray.cli.changes import describe_outdated
from panda_ray.cli.closing import Closing
from panda_ray.cli.console import print_json, stderr, stdout
from panda_ray.cli.options import Json, Overrides, SweepFile
from panda_ray.cli.report import check_folder, report_folder
from panda_ray.errors import InputError
from panda_ray.execution.runners.ray_address import check_socket
from panda_ray.execution.signals import EXIT_INTERRUPTED, reason_of, signals_end_the_run
from panda_ray.secrets import public

if TYPE_CHECKING:
    from panda_ray.execution.planning.plan import Plan
    from panda_ray.execution.runners.run import Runner
    from panda_ray.sweep import Sweep
    from panda_ray.tracking.mlflow import MlflowTracker


class RunnerName(StrEnum):
    """What runs the stacks."""

    RAY = "ray"
    INLINE = "inline"


RunnerOption = Annotated[
    RunnerName, typer.Option("--runner", help="`ray` runs stacks in parallel, `inline` one by one in this process.")
]
Address = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT|auto", help="Ray cluster to use; a local Ray is started unless given."),
]


def run(
    sweep_file: SweepFile,
    overrides: Overrides,
    runner: RunnerOption = RunnerName.RAY,
    address: Address = None,
    as_json: Json = False,
) -> None:
    """Run what is missing of a sweep; the same command continues after an interrupt and extends a changed sweep.

    Exit status: 0 if every cell is done, 1 if some failed, 2 for bad input, 130 if it was ended early.
    """
    if address is not None and runner is RunnerName.INLINE:
        raise InputError("--address names a Ray cluster; it has no meaning with --runner inline")
    with signals_end_the_run():
        try:
            code = _run(sweep_file, overrides, runner, address, as_json)
        except KeyboardInterrupt as signalled:  # before there was a plan, or while the closing was printed
            code = EXIT_INTERRUPTED
            _print_early_end(reason_of(signalled), as_json)
        raise typer.Exit(code)


def _run(sweep_file: str, overrides: list[str], runner: RunnerName, address: str | None, as_json: bool) -> int:
    from panda_ray.sweep_file import load_sweep

    if address is not None:
        check_socket(address)
    sweep = load_sweep(sweep_file, overrides)
    with redirect_stdout(sys.stderr):  # Ray prints a line when a worker dies; stdout is for the result
        closing = run_sweep(sweep, _make_runner(runner, address), partial(_command_on, sweep_file, overrides))
    if as_json:
        print_json(closing.as_json())
    else:
        closing.print()
    return closing.exit_code


def _print_early_end(reason: str, as_json: bool) -> None:
    if as_json:
        print_json({"interrupted": reason, "exit_code": EXIT_INTERRUPTED})
    else:
        stdout.print(f"Ended early: {reason}.", style="yellow", markup=False, soft_wrap=True)
        stdout.print(f"The same command continues: {_command()}", markup=False, soft_wrap=True)


def _command() -> str:
    """The command line that this process is, as it may be shown."""
    return shlex.join(["panda-ray", *map(public, sys.argv[1:])])


def run_sweep(sweep: Sweep, runner: Runner, command_of: Callable[[str], str]) -> Closing:
    """Plan, run and report one sweep, with progress on stderr.

    Args:
        command_of: the name of another command to the command line that runs it on the same sweep.
    """
    from panda_ray.cli.display import make_display
    from panda_ray.execution.costs.costs import Costs
    from panda_ray.execution.planning.plan import build_plan
    from panda_ray.execution.runners.run import run_plan
    from panda_ray.execution.store.store import Store
    from panda_ray.tracking.mlflow import MlflowTracker

    store = Store(sweep.storage)
    tracker = MlflowTracker(store, sweep.tracking_uri)
    with stderr.status("reading data sets and planning"):
        plan = build_plan(sweep, store)
        costs = Costs.in_store(plan, store)
        trouble, refused = _start_tracking(tracker, plan)
    if trouble is not None:
        stderr.print(trouble, style="yellow", markup=False, soft_wrap=True)
    for _, reason in plan.skipped:
        stderr.print(f"left out: {reason}", style="yellow", markup=False, soft_wrap=True)
    if plan.outdated:
        said = describe_outdated(len(plan.outdated))
        stderr.print(f"computed anew: {said}", style="yellow", markup=False, soft_wrap=True)
    display = make_display(stderr, costs)
    started = time.monotonic()
    try:
        summary = run_plan(plan, costs, store, runner, [display] if refused else [display, tracker])
    finally:
        display.close()
    if summary.interrupted is None and plan.outdated_by(summary.new, store):
        return run_sweep(sweep, runner, command_of)  # a repaired result came out different: what was built on it, too
    seconds = time.monotonic() - started
    page: Path | None = None
    headline: tuple[str, ...] = ()
    notes = [note for note in (refused, tracker.message(command_of("track"))) if note]
    if summary.interrupted is None and not tracker.is_silent and any(cell.key in summary.done for cell in plan.cells):
        try:
            page, headline, more = _report(sweep, tracker.tracking_uri)
        except KeyboardInterrupt as signalled:
            summary, more = replace(summary, interrupted=reason_of(signalled)), ["no report yet"]
        notes += more
    return Closing(
        plan=plan,
        store=store,
        summary=summary,
        command=_command(),
        ui_command=command_of("ui"),
        tracking_uri=public(tracker.tracking_uri),
        report=page,
        headline=headline,
        notes=tuple(notes),
        seconds=seconds,
    )


def _start_tracking(tracker: MlflowTracker, plan: Plan) -> tuple[str | None, str | None]:
    """What is wrong with MLflow for the moment, and why it takes nothing, which stops no run that has nothing to do.

    A finished study may lie on a file system that cannot be written.
    """
    try:
        return tracker.start(plan), None
    except InputError as error:
        if plan.stacks:
            raise
        return None, str(error)


def _report(sweep: Sweep, tracking_uri: str) -> tuple[Path | None, tuple[str, ...], list[str]]:
    """Page and headline of the report, or why there is none: results are safe, so the run has not failed for it."""
    from panda_ray.reports.build import build_report

    try:
        with stderr.status("making the report"):
            check_folder(folder := report_folder(sweep))
            report = build_report(tracking_uri, sweep, folder)
    except InputError as error:
        return None, (), [f"no report yet: {error}"]
    return report.paths[0], report.headline, list(report.notes)


def _make_runner(name: RunnerName, address: str | None) -> Runner:
    if name is RunnerName.INLINE:
        from panda_ray.execution.runners.inline import InlineRunner

        return InlineRunner()
    from panda_ray.execution.runners.ray_tune import RayTuneRunner

    return RayTuneRunner(address)


def _command_on(sweep_file: str, overrides: list[str], name: str) -> str:
    sets = [part for override in overrides for part in ("--set", public(override))]
    return shlex.join(["panda-ray", name, sweep_file, *sets])
