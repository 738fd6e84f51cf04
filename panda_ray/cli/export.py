"""`panda-ray export`: take one trained prompt out of the store, as a PEFT adapter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panda_ray.cli.options import Overrides, SweepFile
from panda_ray.errors import InputError

if TYPE_CHECKING:
    from panda_ray.execution.store.store import Record, Store

Key = Annotated[
    str, typer.Argument(metavar="KEY", help="A unit's key, or how it begins; scores.csv and MLflow have it.")
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the adapter; made if it does not exist.")]


def export(sweep_file: SweepFile, key: Key, folder: Folder, overrides: Overrides) -> None:
    """Write one trained prompt and its head as a PEFT prefix-tuning adapter."""
    from panda_ray.backbones.registry import model_location
    from panda_ray.execution.store.store import Store
    from panda_ray.prompts.peft import export_peft
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.sweep_file import load_sweep

    sweep = load_sweep(sweep_file, overrides)
    store = Store(sweep.storage)
    full, record = _find(store, key)
    prompt = Prompt.from_bytes(store.read_file(full, "prompt.safetensors"))
    paths = {backbone.name: backbone.path for backbone in sweep.backbones}
    export_peft(prompt, folder, model_location(record["backbone"], paths.get(record["backbone"])))
    typer.echo(f"{record['method']} on {record['target']} ({record['score']:.1f}) as a PEFT adapter: {folder}")


def _find(store: Store, prefix: str) -> tuple[str, Record]:
    """The one training whose key begins like that."""
    found = [(key, record) for key, record in store.records() if key.startswith(prefix) and record["kind"] == "train"]
    if len(found) == 1:
        return found[0]
    problem = "no training" if not found else f"{len(found)} trainings"
    raise InputError(
        f"{store.url}: {problem} with a key that begins with {prefix!r}; scores.csv has the keys of all cells"
    )
