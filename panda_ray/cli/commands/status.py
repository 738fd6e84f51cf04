"""`panda-ray status`: the grid by state, from the store, or from MLflow alone where neither store nor data are here."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from panda_ray.cli.console import print_json, print_note, stdout
from panda_ray.cli.drawing.standing import draw, standing_as_json
from panda_ray.cli.options import ClusterFile, JobsAddress, Json, Overrides, SweepFile
from panda_ray.errors import InputError

if TYPE_CHECKING:
    from panda_ray.usecases.status import Status

_SECONDS_BETWEEN_LOOKS = 5.0

Watch = Annotated[bool, typer.Option("--watch", help="Look again every few seconds until nothing more is to come.")]


def status(
    sweep_file: SweepFile,
    overrides: Overrides,
    watch: Watch = False,
    cluster: ClusterFile = None,
    address: JobsAddress = None,
    as_json: Json = False,
) -> None:
    """Show the grid by state: done, running (or interrupted with a checkpoint), failed, blocked, waiting.

    With a cluster, SWEEP may be the name alone: MLflow is asked, and neither store nor data sets are needed here.
    """
    from panda_ray.sweep_file import load_sweep

    if cluster is None and address is None:
        from panda_ray.usecases.elsewhere import results_elsewhere
        from panda_ray.usecases.status import status_of

        sweep = load_sweep(sweep_file, overrides)
        print_note(results_elsewhere(sweep, sweep_file))
        _show(lambda: status_of(sweep), watch, as_json)
        return
    from panda_ray.sweep_file.names_of_sweeps import sweep_name
    from panda_ray.usecases.status import tracked_status
    from panda_ray.usecases.watching.cluster_mlflow import cluster_mlflow

    name = sweep_name(sweep_file, overrides)
    with cluster_mlflow(cluster, address) as mlflow:
        _show(lambda: tracked_status(mlflow.uri(), name, mlflow.title), watch, as_json)


def _show(look: Callable[[], Status], watch: bool, as_json: bool) -> None:
    """Look once, or until there is nothing more to come; JSON is one object per look."""
    found = look()
    if not watch or as_json or not stdout.is_terminal:
        _print(found, as_json)
        while watch and not found.ended and not getattr(sys.stdout, "is_gone", False):
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            found, trouble = _again(look, found)
            if trouble is None:
                _print(found, as_json)
        return
    with Live(draw(found), console=stdout, auto_refresh=False) as live:
        while not found.ended:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            found, trouble = _again(look, found)
            picture: RenderableType = draw(found)
            live.update(picture if trouble is None else Group(picture, Text(trouble, "yellow")), refresh=True)


def _again(look: Callable[[], Status], before: Status) -> tuple[Status, str | None]:
    """Another look; where nobody answers for the moment, what was seen before, and why."""
    try:
        return look(), None
    except InputError as error:
        return before, f"{error}; this is what was seen before"


def _print(found: Status, as_json: bool) -> None:
    if as_json:
        print_json(standing_as_json(found))
    else:
        stdout.print(draw(found))
