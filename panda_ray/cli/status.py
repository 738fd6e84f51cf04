"""`panda-ray status`: the grid by state, as the store knows it; works beside a running sweep and after it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from panda_ray.cli.changes import describe_outdated
from panda_ray.cli.console import stdout
from panda_ray.cli.grid import legend, render_grid
from panda_ray.cli.options import Overrides, SweepFile
from panda_ray.cli.states import count_cells, stored_states

if TYPE_CHECKING:
    from panda_ray.execution.store.store import Store
    from panda_ray.sweep import Sweep

_SECONDS_BETWEEN_LOOKS = 5.0

Watch = Annotated[bool, typer.Option("--watch", help="Look again every few seconds until every cell is done.")]


def status(sweep_file: SweepFile, overrides: Overrides, watch: Watch = False) -> None:
    """Show the grid by state: done, running (or interrupted with a checkpoint), failed, blocked, waiting."""
    from panda_ray.execution.store.store import Store
    from panda_ray.sweep_file import load_sweep

    sweep = load_sweep(sweep_file, overrides)
    store = Store(sweep.storage)
    picture, complete = _look(sweep, store)
    if not watch or not stdout.is_terminal:
        stdout.print(picture)
        while watch and not complete and not getattr(sys.stdout, "is_gone", False):
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            picture, complete = _look(sweep, store)
            stdout.print(picture)
        return
    with Live(picture, console=stdout, auto_refresh=False) as live:
        while not complete:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            picture, complete = _look(sweep, store)
            live.update(picture, refresh=True)


def _look(sweep: Sweep, store: Store) -> tuple[RenderableType, bool]:
    """What the store holds now, drawn, and whether every cell is done."""
    from panda_ray.execution.planning.plan import build_plan

    plan = build_plan(sweep, store)
    states = stored_states(plan, store)
    counts = count_cells(plan, states)
    said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    parts: list[RenderableType] = [
        Text.assemble((sweep.name, "bold"), f" in {store.url}: {len(plan.cells)} cells, {said}")
    ]
    for section in sweep.backbones:
        parts += [Text(f"\n{section.name}", "bold"), render_grid(plan, states, section.name)]
    parts.append(legend())
    for key, failure in store.failures.among({key for key, state in states.items() if state == "failed"}).items():
        parts.append(Text(f"failed: {plan.units[key].title}: {failure.error}", "red"))
    if plan.outdated:
        parts.append(Text(f"computed anew: {describe_outdated(len(plan.outdated))}", "yellow"))
    parts += [Text(f"left out: {reason}", "yellow") for _, reason in plan.skipped]
    return Group(*parts), counts["done"] == len(plan.cells)
