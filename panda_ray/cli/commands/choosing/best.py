"""`panda-ray best`: the best source of each target of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from panda_ray.cli.console import print_json, print_sentence
from panda_ray.cli.options import Json, Overrides, SweepFile

if TYPE_CHECKING:
    from panda_ray.reports.numbers.gains import Gain
    from panda_ray.reports.numbers.sources.best_sources import BestSource

Target = Annotated[str | None, typer.Option("--target", help="Only this target.")]


def best(sweep_file: SweepFile, overrides: Overrides, target: Target = None, as_json: Json = False) -> None:
    """Say which source helps each target most, how much, and whether it is clearly ahead; asks MLflow alone."""
    from panda_ray.reports.findings import best_sentence
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.choosing.best_of_sweep import best_of

    found = best_of(load_sweep(sweep_file, overrides), target)
    if as_json:
        print_json({backbone: [_as_json(each) for each in named] for backbone, named in found.items()})
        return
    for backbone, named in found.items():
        prefix = f"{backbone}: " if len(found) > 1 else ""
        for each in named:
            print_sentence(f"{prefix}{best_sentence(each)}")
    print_sentence(
        "The best of many is chosen by its score, so its gain is an upper bound; intervals are over dev items."
    )


def _as_json(found: BestSource) -> dict[str, Any]:
    """Gains in points; `lead` is over the next best transfer."""
    return {
        "target": found.target,
        "method": found.best.method,
        "sources": found.best.sources,
        "gain": _gain(found.best.gain),
        "seeds": len(found.best.by_seed),
        "of": found.of,
        "next": None
        if found.runner_up is None
        else {"method": found.runner_up.method, "sources": found.runner_up.sources},
        "lead": _gain(found.lead),
    }


def _gain(gain: Gain | None) -> dict[str, float | None] | None:
    if gain is None:
        return None
    interval = gain.interval
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return {"mean": gain.mean, "low": low, "high": high}
