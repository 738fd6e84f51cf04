"""`panda-ray run` and `quickstart`: start, resume or extend a sweep, show how it goes, and say what was found."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from panda_ray.cli.console import print_json, print_note, stderr, stdout
from panda_ray.cli.options import Json, Overrides, SweepFile
from panda_ray.cli.wording.closing import Closing, Commands
from panda_ray.cli.wording.words import describe_start
from panda_ray.errors import InputError
from panda_ray.execution.signals import EXIT_INTERRUPTED, reason_of, signals_end_the_run
from panda_ray.secrets import public
from panda_ray.usecases.runner import RunnerName, make_runner

if TYPE_CHECKING:
    from panda_ray.execution.events import Listener
    from panda_ray.sweep import Sweep
    from panda_ray.usecases.run import Start

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
    raise typer.Exit(until_signalled(lambda: _run(sweep_file, overrides, runner, address, as_json), as_json))


def quickstart(
    overrides: Overrides, runner: RunnerOption = RunnerName.RAY, address: Address = None, as_json: Json = False
) -> None:
    """Run the sweep `quickstart`: built-in tasks and backbone, no hub, no GPU; results in runs/quickstart."""
    run("quickstart", overrides, runner, address, as_json)


def until_signalled(body: Callable[[], int], as_json: bool) -> int:
    """The exit status of what runs sweeps, a signal's included."""
    with signals_end_the_run():
        try:
            return body()
        except KeyboardInterrupt as signalled:  # before there was a plan, or while the closing was printed
            _print_early_end(reason_of(signalled), as_json)
            return EXIT_INTERRUPTED


def _run(sweep_file: str, overrides: list[str], name: RunnerName, address: str | None, as_json: bool) -> int:
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.elsewhere import results_elsewhere

    sweep = load_sweep(sweep_file, overrides)
    print_note(results_elsewhere(sweep, sweep_file))
    return run_loaded(sweep, name, address, as_json, commands_on(sweep_file, overrides))


def run_loaded(
    sweep: Sweep,
    name: RunnerName,
    address: str | None,
    as_json: bool,
    commands: Commands,
    listeners: Sequence[Listener] = (),
) -> int:
    """Run a sweep and print its closing; the exit status.

    Args:
        commands: what the closing says how to go on with.
        listeners: hear of the run besides the display.
    """
    from panda_ray.usecases.run import run_sweep

    with redirect_stdout(sys.stderr):  # Ray prints a line when a worker dies; stdout is for the result
        ended = run_sweep(sweep, make_runner(name, address), partial(_watch, listeners), stderr.status)
    closing = Closing(ended, commands)
    if as_json:
        print_json(closing.as_json())
    else:
        closing.print()
    return closing.exit_code


@contextmanager
def _watch(listeners: Sequence[Listener], start: Start) -> Iterator[Sequence[Listener]]:
    """Say what a run starts with, and show how it goes, on stderr."""
    from panda_ray.cli.drawing.display import make_display

    for line in describe_start(start):
        stderr.print(line, style="yellow", markup=False, soft_wrap=True)
    display = make_display(stderr, start.costs, start.standings)
    try:
        yield [display, *listeners]
    finally:
        display.close()


def _print_early_end(reason: str, as_json: bool) -> None:
    if as_json:
        print_json({"interrupted": reason, "exit_code": EXIT_INTERRUPTED})
    else:
        stdout.print(f"Ended early: {reason}.", style="yellow", markup=False, soft_wrap=True)
        stdout.print(f"The same command continues: {_command()}", markup=False, soft_wrap=True)


def commands_on(sweep_file: str, overrides: Sequence[str]) -> Commands:
    """How to go on with a sweep, after the command line that this process is."""
    track, ui = (_command_on(sweep_file, overrides, command) for command in ("track", "ui"))
    return Commands(again=_command(), track=track, ui=ui)


def _command() -> str:
    """The command line that this process is, as it may be shown."""
    return shlex.join(["panda-ray", *map(public, sys.argv[1:])])


def _command_on(sweep_file: str, overrides: Sequence[str], name: str) -> str:
    """Another command on the same sweep."""
    sets = [part for override in overrides for part in ("--set", public(override))]
    return shlex.join(["panda-ray", name, sweep_file, *sets])
