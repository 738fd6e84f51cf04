"""`panda-ray export`: take one trained prompt out of the store, as a PEFT adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panda_ray.cli.options import Overrides, SweepFile

Key = Annotated[
    str, typer.Argument(metavar="KEY", help="A unit's key, or how it begins; scores.csv and MLflow have it.")
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the adapter; made if it does not exist.")]


def export(sweep_file: SweepFile, key: Key, folder: Folder, overrides: Overrides) -> None:
    """Write one trained prompt and its head as a PEFT prefix-tuning adapter."""
    from panda_ray.sweep_file import load_sweep
    from panda_ray.usecases.export import export_prompt

    record = export_prompt(load_sweep(sweep_file, overrides), key, folder)
    typer.echo(f"{record['method']} on {record['target']} ({record['score']:.1f}) as a PEFT adapter: {folder}")
