"""`panda-ray export`: take one trained prompt out of the store, as a PEFT adapter that says how it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda_ray.cli.options import Overrides, SweepFile

Where = Annotated[
    list[str],
    typer.Argument(
        metavar="[KEY] DIR",
        help="A unit's key, or how it begins (scores.csv and MLflow have it), and a folder for the adapter.",
    ),
]
Best = Annotated[
    str | None, typer.Option("--best", metavar="TARGET", help="Instead of a key: the best training of this target.")
]


def export(sweep_file: SweepFile, where: Where, overrides: Overrides, best: Best = None) -> None:
    """Write one trained prompt and its head as a PEFT prefix-tuning adapter, with a card; `predict` uses it."""
    from panda_ray.errors import InputError
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.exporting.export import export_prompt

    if len(where) != (2 if best is None else 1):
        raise InputError("write `export SWEEP KEY DIR`, or `export SWEEP DIR --best TARGET`")
    folder = Path(where[-1])
    record = export_prompt(load_sweep(sweep_file, overrides), None if best else where[0], folder, best)
    said = f"{record['method']} on {record['target']} ({record['score']:.1f}) as a PEFT adapter: {folder}"
    typer.echo(f"{said}\nnew rows: panda-ray predict {folder} FILE")
