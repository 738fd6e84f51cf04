"""One trained prompt and its head out of the store, in a form that other programs read."""

from __future__ import annotations

from pathlib import Path

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Record, Store
from panda_ray.execution.units.artifacts import PROMPT_FILE
from panda_ray.sweep import Sweep
from panda_ray.usecases.engine import check_engine


def export_prompt(sweep: Sweep, key: str, folder: Path) -> Record:
    """Write what a training trained as an adapter of PEFT.

    Args:
        key: of the unit, or how it begins.
        folder: made if it does not exist.

    Returns:
        The record of the training.

    Raises:
        InputError: no training has such a key, or several have; or PEFT has no adapter that computes it.
    """
    check_engine("an export")
    from panda_ray.backbones.registry import model_location
    from panda_ray.prompts.peft import export_trained

    store = Store(sweep.storage)
    full, record = _find(store, key)
    trained = store.read_file(full, PROMPT_FILE)
    paths = {backbone.name: backbone.path for backbone in sweep.backbones}
    export_trained(trained, folder, model_location(record["backbone"], paths.get(record["backbone"])))
    return record


def _find(store: Store, prefix: str) -> tuple[str, Record]:
    """The one training whose key begins like that."""
    found = [
        (key, record) for key, record in store.records() if key.startswith(prefix) and record["product"] == "prompt"
    ]
    if len(found) == 1:
        return found[0]
    problem = "no training" if not found else f"{len(found)} trainings"
    raise InputError(
        f"{store.url}: {problem} with a key that begins with {prefix!r}; scores.csv has the keys of all cells"
    )
