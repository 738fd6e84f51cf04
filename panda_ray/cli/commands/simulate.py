"""`panda-ray plan SWEEP --simulate gpus=8,64`: how long a sweep takes on clusters that one does not have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from panda_ray.cli.console import print_json, stdout
from panda_ray.cli.wording.fleet_words import fleet_as_json, fleet_table
from panda_ray.cli.wording.words import (
    ahead_as_json,
    describe_ahead,
    describe_kinds,
    describe_memory,
    duration,
    memory_as_json,
)
from panda_ray.errors import InputError

if TYPE_CHECKING:
    from panda_ray.execution.units.catalog import Catalog
    from panda_ray.sweep import Sweep
    from panda_ray.usecases.simulate import FleetForecast, Forecast

Simulate = Annotated[
    str | None,
    typer.Option(
        metavar="gpus=N,N,... | KIND=N,...",
        help="Run the schedule of what is left against a virtual clock, on so many GPUs, or on so many of each of the "
        "sweep's kinds of worker; nothing is downloaded.",
    ),
]


def print_simulation(sweep: Sweep, wanted: str, as_json: bool) -> None:
    """Simulate a sweep on each number of GPUs, or on workers of several kinds, and print how it goes.

    Raises:
        InputError: for anything but `gpus=N,N,...` (`KIND=N,...` where the sweep names kinds), or for devices that
            cannot hold one stack.
    """
    from panda_ray.usecases.simulate import simulate_on_kinds, simulate_sweep

    if sweep.resources.workers:
        fleet = simulate_on_kinds(sweep, _numbers_of_kinds(wanted, sweep.resources.kinds))
        if as_json:
            print_json(fleet_as_json(fleet))
        else:
            _print_fleet(fleet)
        return
    forecast = simulate_sweep(sweep, _numbers(wanted))
    if as_json:
        print_json(_as_json(forecast))
    else:
        _print(forecast)


def _numbers(wanted: str) -> list[int]:
    found = re.fullmatch(r"gpus=([1-9][0-9]*(?:,[1-9][0-9]*)*)", wanted.replace(" ", ""))
    if found is None:
        raise InputError(f"--simulate {wanted}: say how many GPUs there are, as in --simulate gpus=8,16,64")
    return [int(number) for number in found[1].split(",")]


def _numbers_of_kinds(wanted: str, kinds: Sequence[str]) -> dict[str, int]:
    parts = [re.fullmatch(r"([^=,]+)=([1-9][0-9]*)", part) for part in wanted.replace(" ", "").split(",")]
    found = {part[1]: int(part[2]) for part in parts if part is not None}
    if len(found) < len(parts):
        said = ",".join(f"{kind}=8" for kind in kinds)
        raise InputError(f"--simulate {wanted}: say how many GPUs of each kind there are (cores of cpu), as in {said}")
    return found


def _as_json(forecast: Forecast) -> dict[str, Any]:
    """`above_bound` is the share by which the makespan exceeds `bound_seconds`, the larger of critical path and work
    divided by GPUs; `strict_bound_seconds` counts work in shapes with which the critical path is that short."""
    bound = forecast.bound
    return {
        "sweep": forecast.plan.sweep.name,
        "stacks": len(forecast.plan.stacks),
        "units": {"total": len(forecast.plan.units), "done": len(forecast.plan.done)},
        "estimate": ahead_as_json(forecast.ahead),
        "memory": memory_as_json(forecast.memory),
        "published_sizes": list(forecast.catalog.nominal_tasks),
        "unknown_backbones": list(forecast.catalog.nominal_backbones),
        "max_workers": forecast.plan.sweep.resources.max_workers,
        "runs": [
            {
                "gpus": gpus,
                "stacks_at_a_time": run.slots,
                "stacks": run.stacks,
                "makespan_seconds": round(run.makespan, 1),
                "utilisation": round(run.utilisation, 4),
                "bound_seconds": round(bound.seconds(run.slots), 1),
                "strict_bound_seconds": round(bound.strict_seconds(run.slots), 1),
                "above_bound": round(forecast.above_bound(run), 4),
            }
            for gpus, run in forecast.runs
        ],
        "critical_path": [
            {"unit": step.unit.title, "key": step.unit.key, "workers": step.workers, "seconds": round(step.seconds, 1)}
            for step in bound.critical_path
        ],
    }


def _print(forecast: Forecast) -> None:
    plan, bound = forecast.plan, forecast.bound
    left = len(plan.units) - len(plan.done)
    stdout.print(f"[bold]{plan.sweep.name}[/]: {left} of {len(plan.units)} units left")
    if not forecast.plan.stacks:
        stdout.print("nothing to run")
        return
    of_stacks = [*describe_ahead(forecast.ahead, len(plan.stacks)), *describe_memory(forecast.memory)]
    for line in [*of_stacks, *_stand_ins(forecast.catalog)]:
        stdout.print(line, markup=False, soft_wrap=True)
    stdout.print(_table(forecast))
    stdout.print(
        "lower bound: the larger of critical path and work divided by GPUs; strict: with work in shapes that are fast "
        "enough for it, kept to the end",
        soft_wrap=True,
    )
    stdout.print(f"critical path, {duration(bound.critical_seconds)} with every unit alone and as fast as it can be:")
    for step in bound.critical_path:
        spread = f" on {step.workers} workers" if step.workers > 1 else ""
        stdout.print(f"  {duration(step.seconds)}  {step.unit.title}{spread}", markup=False, soft_wrap=True)
    if plan.sweep.resources.max_workers == 1:
        stdout.print("a training has one worker at the most; resources.max_workers would shorten the critical path")


def _stand_ins(catalog: Catalog) -> list[str]:
    """What is said of tasks and backbones that are not here."""
    tasks, backbones, lines = catalog.nominal_tasks, catalog.nominal_backbones, []
    if tasks:
        lines.append(
            f"the rows of {len(tasks)} tasks are not here, their published sizes (Table I) are used: {', '.join(tasks)}"
        )
    if backbones:
        lines.append(f"not looked up on the Hub, so that finished units are not known: {', '.join(backbones)}")
    return lines


def _print_fleet(forecast: FleetForecast) -> None:
    plan = forecast.plan
    stdout.print(f"[bold]{plan.sweep.name}[/]: {len(plan.units) - len(plan.done)} of {len(plan.units)} units left")
    if not plan.stacks:
        stdout.print("nothing to run")
        return
    by_kind = list(forecast.by_kind.items())
    for line in [*describe_ahead(by_kind[0][1], len(plan.stacks)), *describe_kinds(by_kind)]:
        stdout.print(line, markup=False, soft_wrap=True)
    for line in _stand_ins(forecast.catalog):
        stdout.print(line, markup=False, soft_wrap=True)
    stdout.print(fleet_table(forecast))
    stdout.print(f"on these together: {duration(forecast.run.makespan)}; hours and prices while stacks run")


def _table(forecast: Forecast) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("GPUs", "makespan", "utilisation", "lower bound", "above it", "strict bound", "stacks"):
        table.add_column(column, justify="right")
    for gpus, run in forecast.runs:
        table.add_row(
            str(gpus),
            duration(run.makespan),
            f"{run.utilisation:.0%}",
            duration(forecast.bound.seconds(run.slots)),
            f"{forecast.above_bound(run):.1%}",
            duration(forecast.bound.strict_seconds(run.slots)),
            str(run.stacks),
        )
    return table
