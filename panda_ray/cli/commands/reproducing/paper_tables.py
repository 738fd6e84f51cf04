"""`panda-ray paper`: the paper's tables by their names: printed, planned, or run and shown beside the paper's."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panda_ray.cli.commands.reproducing.planned_words import planned_as_json, print_planned
from panda_ray.cli.commands.run import Address, RunnerOption, commands_on, run_loaded, until_signalled
from panda_ray.cli.console import print_json, stderr, stdout
from panda_ray.cli.options import Json, Overrides
from panda_ray.errors import InputError
from panda_ray.execution.signals import EXIT_INTERRUPTED
from panda_ray.usecases.runner import RunnerName

if TYPE_CHECKING:
    from panda_ray.reports.reproduction.artefact import Artefact
    from panda_ray.reports.reproduction.paper_table import Table
    from panda_ray.sweep import Sweep


class Form(StrEnum):
    """What a table is shown as."""

    MARKDOWN = "markdown"
    LATEX = "latex"
    CSV = "csv"


Wanted = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ARTEFACT]...",
        help="`table1` to `table16`, `figure1`, `2`, `4` to `9`, `claims`, `all`; --plan and --printed need none.",
        show_default=False,
    ),
]
Printed = Annotated[
    bool, typer.Option("--printed", help="Run nothing: the numbers that the paper prints, its averages recomputed.")
]
Planned = Annotated[
    bool, typer.Option("--plan", help="Run nothing: units, hours and price, and what cannot be shown yet.")
]
Backbones = Annotated[str | None, typer.Option(metavar="A,B", help="Backbones instead of the paper's.")]
Seeds = Annotated[str | None, typer.Option(metavar="1,2", help="Seeds instead of the paper's one.")]
As = Annotated[Form, typer.Option("--as", help="What a table is shown as; files are written as all of them.")]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where to write; beside the sweep's report unless given. Printed numbers are written only there.",
    ),
]


def paper(
    overrides: Overrides,
    wanted: Wanted = None,
    printed: Printed = False,
    planned: Planned = False,
    backbones: Backbones = None,
    seeds: Seeds = None,
    form: As = Form.MARKDOWN,
    out: Out = None,
    runner: RunnerOption = RunnerName.RAY,
    address: Address = None,
    as_json: Json = False,
) -> None:
    """Make tables and figures of the PanDa paper: run what is missing of its cells, and show ours beside the printed.

    Each is an ordinary sweep underneath (`panda-ray run paper/table4`), which shares its results with all others of
    the paper. Exit status: as `run`; that of the first artefact that was not completed.
    """
    if printed and planned:
        raise InputError("--printed shows and --plan looks ahead; give one of them")
    if not wanted:
        if not (printed or planned):
            raise InputError("say what to make: table4, figure7, claims or all; --plan tells what each would take")
        wanted = ["all"]
    if printed:
        _show_printed(wanted, form, out)
        return
    from panda_ray.usecases.reproducing.artefact_sweeps import artefact_sweeps

    sets = [*_lists(backbones=backbones, seeds=seeds), *overrides]
    sweeps = artefact_sweeps(wanted, sets)
    if planned:
        from panda_ray.usecases.reproducing.planned_artefacts import plan_artefacts

        found = plan_artefacts(sweeps)
        print_json(planned_as_json(found)) if as_json else print_planned(found)
        return

    def make(artefact: Artefact, sweep: Sweep) -> int:
        commands = commands_on(artefact.sweep or "", sets)
        code = run_loaded(sweep, runner, address, False, commands)
        if code != EXIT_INTERRUPTED:
            _reproduce(artefact, sweep, form, out)
        return code

    raise typer.Exit(until_signalled(lambda: _first_failure(make(*each) for each in sweeps), False))


def _first_failure(codes: Iterable[int]) -> int:
    """The first exit status that is not 0; nothing comes after a run that was ended early."""
    worst = 0
    for code in codes:
        worst = worst or code
        if code == EXIT_INTERRUPTED:
            return code
    return worst


def _lists(**given: str | None) -> list[str]:
    return [f"{key}=[{value}]" for key, value in given.items() if value is not None]


def _show_printed(wanted: Sequence[str], form: Form, out: Path | None) -> None:
    from panda_ray.usecases.reproducing.artefact_sweeps import artefacts_named
    from panda_ray.usecases.reproducing.printed_tables import printed_tables, write_printed

    tables: dict[str, Table] = {}
    for artefact in artefacts_named(wanted):
        found = printed_tables(artefact)
        if not found:
            stderr.print(f"{artefact.id}: the paper draws it and prints no number of it", style="yellow")
        elif out is not None:
            write_printed(artefact, found, out)
        tables |= found
    _show(tables, form)


def _show(tables: Mapping[str, Table], form: Form) -> None:
    from panda_ray.reports.reproduction.written.writing import csv_text, latex, markdown

    if form is Form.CSV:
        texts = [csv_text(table) for table in tables.values()]
    else:
        write = latex if form is Form.LATEX else markdown
        texts = [write(title, table) for title, table in tables.items()]
    sys.stdout.write("\n".join(texts))


def _reproduce(artefact: Artefact, sweep: Sweep, form: Form, out: Path | None) -> None:
    from panda_ray.usecases.reproducing.reproduce import reproduce

    made = reproduce(artefact, sweep, out)
    _show(made.tables, form)
    if not made.tables:
        stderr.print(f"no number of {artefact.id} is known yet", style="yellow")
    for label in made.missing:
        stderr.print(f"nothing gives the cells of {label}", style="yellow", markup=False, soft_wrap=True)
    stdout.print(f"Written: {', '.join(map(str, made.paths))}", markup=False, soft_wrap=True)
