"""`panda-ray search`: what a search chose, for people and for grids."""

from __future__ import annotations

import sys

import typer

from panda_ray.cli.options import Overrides, SweepFile

app = typer.Typer(help="What a search of hyper-parameters chose.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A group although it has one command."""


@app.command()
def export(sweep_file: SweepFile, overrides: Overrides) -> None:
    """Print what a search chose as a tuned file, from MLflow alone: panda-ray search export SWEEP > tuned.yaml."""
    from panda_ray.sweep_file import load_sweep
    from panda_ray.sweep_file.tuned_file import tuned_text
    from panda_ray.usecases.searching.chosen import choices_of

    choices = choices_of(load_sweep(sweep_file, overrides))
    sys.stdout.write(tuned_text(choices.tuned, choices.comments))
