"""The `panda-ray` program: its commands, and what an error of the user's looks like.

Command modules import torch, Ray and MLflow inside their functions, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from panda_ray import __version__
from panda_ray.cli.commands import data, doctor, lists, plan, run, schema, search, status, track
from panda_ray.cli.commands.choosing import best, recommend
from panda_ray.cli.commands.exporting import export, predict
from panda_ray.cli.commands.remote import driver_logs, jobs, on_head, submitting
from panda_ray.cli.commands.reporting import report
from panda_ray.cli.commands.reproducing import paper_tables
from panda_ray.cli.commands.serving import drain_on_notice, serve, ui
from panda_ray.cli.commands.shared_prompts import prompts
from panda_ray.cli.commands.starting import adapt, init
from panda_ray.cli.console import print_input_error
from panda_ray.cli.streams import guarded_streams
from panda_ray.clusters.unreachable import UnreachableError
from panda_ray.errors import InputError

EXIT_BUG = 1
EXIT_INPUT = 2
EXIT_UNREACHABLE = 3

app = typer.Typer(
    name="panda-ray",
    help="Prompt transfer at the scale of a grid: one sweep file, from source prompts to the report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(run.run)
app.command()(run.quickstart)
app.command()(plan.plan)
app.command()(status.status)
app.command()(report.report)
app.command()(best.best)
app.command()(recommend.recommend)
app.command()(paper_tables.paper)
app.command()(doctor.doctor)
app.command()(track.track)
app.command()(ui.ui)
app.command()(serve.serve)
app.command()(drain_on_notice.drain_on_notice)
app.command()(export.export)
app.command()(predict.predict)
app.command()(init.init)
app.command()(adapt.adapt)
for _list in (lists.tasks, lists.methods, lists.metrics, lists.backbones):
    app.command()(_list)
for _remote in (submitting.submit, submitting.resume, jobs.jobs, driver_logs.logs, jobs.pause, jobs.cancel):
    app.command()(_remote)
app.add_typer(on_head.app, name="on-head", hidden=True)
app.add_typer(data.app, name="data")
app.add_typer(search.app, name="search")
app.add_typer(prompts.app, name="prompts")
app.command()(schema.schema)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"panda-ray {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Prompt transfer at the scale of a grid: one sweep file, from source prompts to the report."""


def _check_working_directory() -> None:
    """Torch ends the process without a reason where there is none."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise InputError("the working directory was removed; go to another one") from None


def main() -> None:
    """Entry point: exit status 2, with one sentence per problem, for anything that the user can mend; 3 for a cluster
    that cannot be reached."""
    with guarded_streams():
        try:
            _check_working_directory()
            app()
        except UnreachableError as error:
            print_input_error(str(error))
            sys.exit(EXIT_UNREACHABLE)
        except InputError as error:
            print_input_error(str(error))
            sys.exit(EXIT_INPUT)
        except Exception:  # a bug; Python would print it when the streams are no longer guarded
            traceback.print_exc()
            sys.exit(EXIT_BUG)
