"""`panda-ray adapt`: from a file of rows to a prompt that labels more of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda_ray.cli.commands.run import RunnerOption, commands_on, run_loaded, until_signalled
from panda_ray.cli.commands.starting.init import Asked, BackboneOption, Data, Label, Pair, Text
from panda_ray.cli.console import stderr
from panda_ray.cli.wording.adapted_words import INVENTED, describe_held_out
from panda_ray.usecases.runner import RunnerName

Folder = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder of sweep file, results and prompt; named after the data."),
]


def adapt(
    data: Data,
    text: Text,
    pair: Pair,
    label: Label = None,
    asked: Asked = None,
    backbone: BackboneOption = "builtin-tiny",
    out: Folder = None,
    runner: RunnerOption = RunnerName.INLINE,
) -> None:
    """Train on your own rows, from nothing and from the sources that suit them, and export the best prompt.

    It writes an ordinary sweep file and runs it: the same command continues, and an edited file counts. Exit status as
    of `run`.
    """
    from panda_ray.usecases.exporting.export import export_prompt
    from panda_ray.usecases.exporting.held_out import held_out
    from panda_ray.usecases.starting.adapt import PROMPT, rows_of_folder, sweep_of_folder
    from panda_ray.usecases.starting.describe import describe, said
    from panda_ray.usecases.starting.init import BUILTIN

    found = describe(rows_of_folder(data, out, stderr.print), said(text, pair, label, asked))
    folder = out or Path(found.name)
    file, sweep = sweep_of_folder(found, backbone, folder)
    where = f"{file} says so: edit it to change anything; the same command goes on"
    for line in [*found.lines, *([INVENTED] if backbone == BUILTIN else []), where]:
        stderr.print(line, markup=False, soft_wrap=True)
    code = until_signalled(lambda: run_loaded(sweep, runner, None, False, commands_on(str(file), ())), False)
    if code == 0:
        export_prompt(sweep, None, folder / PROMPT, found.name)
        for line in describe_held_out(held_out(sweep, found.name)):
            typer.echo(line)
        typer.echo(f"It is in {folder / PROMPT}, with a card. New rows: panda-ray predict {folder / PROMPT} FILE")
    raise typer.Exit(code)
