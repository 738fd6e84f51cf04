"""`panda-ray status`: the grid by state, as the store knows it; works beside a running sweep and after it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from panda_ray.cli.console import stdout
from panda_ray.cli.grid import legend, render_grid
from panda_ray.cli.options import Overrides, SweepFile
from panda_ray.cli.words import describe_outdated

if TYPE_CHECKING:
    from panda_ray.sweep import Sweep

_SECONDS_BETWEEN_LOOKS = 5.0

Watch = Annotated[bool, typer.Option("--watch", help="Look again every few seconds until every cell is done.")]


def status(sweep_file: SweepFile, overrides: Overrides, watch: Watch = False) -> None:
    """Show the grid by state: done, running (or interrupted with a checkpoint), failed, blocked, waiting."""
    from panda_ray.sweep_file import load_sweep

    sweep = load_sweep(sweep_file, overrides)
    picture, complete = _look(sweep)
    if not watch or not stdout.is_terminal:
        stdout.print(picture)
        while watch and not complete and not getattr(sys.stdout, "is_gone", False):
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            picture, complete = _look(sweep)
            stdout.print(picture)
        return
    with Live(picture, console=stdout, auto_refresh=False) as live:
        while not complete:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            picture, complete = _look(sweep)
            live.update(picture, refresh=True)


def _look(sweep: Sweep) -> tuple[RenderableType, bool]:
    """What the store holds now, drawn, and whether every cell is done."""
    from panda_ray.usecases.status import status_of

    found = status_of(sweep)
    plan = found.plan
    said = ", ".join(f"{count} {state}" for state, count in found.cells.items() if count)
    parts: list[RenderableType] = [
        Text.assemble((sweep.name, "bold"), f" in {found.storage}: {len(plan.cells)} cells, {said}")
    ]
    for section in sweep.backbones:
        parts += [Text(f"\n{section.name}", "bold"), render_grid(plan, found.states, section.name)]
    parts.append(legend())
    for key, failure in found.failures.items():
        where = f" (on {failure.host})" if failure.host else ""
        parts.append(Text(f"failed: {plan.units[key].title}: {failure.error}{where}", "red"))
    if plan.outdated:
        parts.append(Text(f"computed anew: {describe_outdated(len(plan.outdated))}", "yellow"))
    parts += [Text(f"left out: {reason}", "yellow") for _, reason in plan.skipped]
    return Group(*parts), found.complete
