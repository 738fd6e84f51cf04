"""`panda-ray on-head`: what other commands call on a cluster's head by small jobs. Not for people, so not in --help."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from panda_ray.errors import InputError
from panda_ray.usecases.remote.answer import ANSWER

if TYPE_CHECKING:
    from panda_ray.sweep import Sweep

app = typer.Typer(help="What other commands ask of a cluster's head.", no_args_is_help=True)


@app.command()
def check(file: str) -> None:
    """The preflight of a sweep."""
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.on_head.preflight import check_sweep

    _answer(lambda: check_sweep(load_sweep(file, runs_here=False)))


@app.command()
def examine(file: Annotated[str | None, typer.Argument()] = None, fix: bool = False) -> None:
    """What the doctor finds here."""
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.on_head.checkup import check_up

    _answer(lambda: check_up(None if file is None else load_sweep(file, runs_here=False), fix))


@app.command()
def note(name: str) -> None:
    """What was submitted last under a name."""
    from panda_ray.usecases.on_head.preflight import look_up

    _answer(lambda: look_up(name))


@app.command()
def cell(sweep: str, name: str) -> None:
    """What the store has of one cell."""
    from panda_ray.usecases.on_head.cell_units import look_at_cell

    _answer(lambda: look_at_cell(sweep, name))


@app.command(name="list")
def list_() -> None:
    """All that was submitted."""
    from panda_ray.usecases.on_head.home import find_home
    from panda_ray.usecases.on_head.submissions import Submissions

    _answer(lambda: {"submissions": [each.summary for each in Submissions(find_home()).all()]})


@app.command()
def mark(name: str, submission_id: str, state: str) -> None:
    """Note why a driver gets its signal."""
    from panda_ray.usecases.on_head.drive import mark

    _answer(lambda: mark(name, submission_id, state))


@app.command()
def receive(manifest: str) -> None:
    """Take the files that the job brought."""
    from panda_ray.usecases.on_head.receive import receive

    _answer(lambda: receive(json.loads(Path(manifest).read_text())))


@app.command()
def drive(submission_id: str, file: str) -> None:
    """Run a sweep as a submitted job."""
    from panda_ray.sweep_file import load_sweep

    _drive(load_sweep(file), submission_id)


@app.command()
def drive_again(submission_id: str, name: str) -> None:
    """Likewise what was submitted last under a name."""
    from panda_ray.usecases.on_head.drive import submitted_sweep

    _drive(submitted_sweep(name), submission_id)


def _drive(sweep: Sweep, submission_id: str) -> None:
    from panda_ray.cli.commands.run import run_loaded
    from panda_ray.cli.wording.closing import Commands
    from panda_ray.usecases.on_head.drive import drive
    from panda_ray.usecases.runner import RunnerName
    from panda_ray.usecases.watching.event_lines import EventLines

    again = f"panda-ray resume {sweep.name} --cluster FILE"
    commands = Commands(again=again, track=again, ui="panda-ray ui --cluster FILE")
    events = EventLines(lambda line: print(line, file=sys.stderr, flush=True))

    def run(settled: Sweep) -> int:
        return run_loaded(settled, RunnerName.RAY, "auto", False, commands, [events])

    raise typer.Exit(drive(sweep, submission_id, run))


def _answer(ask: Callable[[], dict[str, Any]]) -> None:
    """Print what `ask` gives, or what it refuses with."""
    try:
        answer = ask()
    except InputError as error:
        answer = {"error": str(error)}
    sys.stdout.write(f"{ANSWER}{json.dumps(answer)}\n")
