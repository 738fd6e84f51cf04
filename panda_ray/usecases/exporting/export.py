"""One trained prompt and its head out of the store, in a form that other programs read, with all that it needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Record, Store
from panda_ray.execution.units.artifacts import PROMPT_FILE
from panda_ray.sweep import Sweep
from panda_ray.sweep.named_tasks import task_of
from panda_ray.tasks import TaskSpec
from panda_ray.tasks.caching.fetched import is_url
from panda_ray.tasks.licences import licence_of
from panda_ray.tasks.own import described
from panda_ray.tasks.task import BuiltinOrigin
from panda_ray.usecases.engine import check_engine
from panda_ray.usecases.exporting.trainings import training_of

if TYPE_CHECKING:
    from panda_ray.prompts.exported import ExportedPrompt

CARD = "README.md"


def export_prompt(sweep: Sweep, key: str | None, folder: Path, best: str | None = None) -> Record:
    """Write a training's prompt as a PEFT prefix-tuning adapter, with a card and what `predict` needs.

    Args:
        key: of the unit, or how it begins.
        folder: made if it does not exist.
        best: instead of a key, the target of which the best training is taken: of the method and sources with the
            highest mean over seeds, the seed with the highest score.

    Returns:
        The record of the training.

    Raises:
        InputError: no training has such a key, or several have; the target has none that is done; its method keeps
            nothing that was trained; PEFT cannot run the backbone; or the folder holds something else.
    """
    check_engine("an export")
    import safetensors.torch

    from panda_ray.backbones.loading import architecture_of
    from panda_ray.prompts.card import card
    from panda_ray.prompts.exported import SAID
    from panda_ray.prompts.peft import export_trained

    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / SAID).is_file())):
        raise InputError(f"{folder} holds something else than an exported prompt; name another folder")
    store = Store(sweep.storage)
    full, record = training_of(sweep, store, key, best)
    if PROMPT_FILE not in record["files"]:
        raise InputError(f"{record['method']} keeps scores and predictions alone, so there is nothing to export")
    path = {backbone.name: backbone.path for backbone in sweep.backbones}.get(record["backbone"])
    architecture = architecture_of(record["backbone"], path, record["identity"]["backbone"]["identity"])
    trained = store.read_file(full, PROMPT_FILE)
    tensors = safetensors.torch.load(trained)
    if "prefix" in tensors and not architecture.takes_cache:
        raise InputError(
            f"PEFT cannot run a prompt of {record['backbone']}: transformers' {architecture.name} takes no keys and "
            "values from outside"
        )
    spec = task_of(record["target"], sweep.tasks)
    if len(tensors["head.bias"]) != spec.output_size:
        raise InputError(
            f"the head has {len(tensors['head.bias'])} outputs and task {spec.name!r} asks for {spec.output_size}: its "
            "labels are others now than when this was trained"
        )
    pooling = "tokens" if spec.kind.reads_tokens else "pooler" if architecture.pooler else architecture.pooled
    front = len(tensors["virtual_tokens"]) if "virtual_tokens" in tensors else 0
    said = _said(record, sweep, spec, pooling, front, _location(record, path, folder))
    export_trained(trained, folder, said.location or said.backbone)
    said.write(folder)
    (folder / CARD).write_text(card(said, spec.kind.answer, _example(spec)), encoding="utf-8")
    return record


def _location(record: Record, path: str | None, folder: Path) -> str | None:
    identity = record["identity"]["backbone"]["identity"]
    if identity.startswith("hub:"):
        repository: str = identity.removeprefix("hub:").partition("@")[0]
        return repository
    return path if path is None or is_url(path) else os.path.relpath(Path(path).expanduser(), folder)


def _said(
    record: Record, sweep: Sweep, spec: TaskSpec, pooling: str, front: int, location: str | None
) -> ExportedPrompt:
    from panda_ray.prompts.exported import ExportedPrompt

    identity = record["identity"]
    section = sweep.tasks.get(spec.name)
    own = section is not None and section.data is not None
    return ExportedPrompt(
        task=spec.name,
        own=described(section.as_task(spec.name), spec.labels) if section is not None and own else None,
        task_kind=spec.kind.name,
        measure=spec.measure,
        labels=spec.labels,
        columns=tuple(column for column in spec.columns if column != spec.label_column),
        backbone=record["backbone"],
        identity=identity["backbone"]["identity"],
        location=location,
        pooling=pooling,
        front=front,
        max_len=identity["config"]["max_len"],
        prompt_len=identity["config"]["prompt_len"],
        precision=identity["config"]["precision"],
        method=record["method"],
        sources=tuple(record["sources"]),
        seed=record["seed"],
        score=record["score"],
        protocol=record["protocol"],
        train_examples=record["train_examples"],
        fingerprint=identity["data"]["fingerprint"],
        key=record["key"],
        licence=licence_of(spec),
    )


def _example(spec: TaskSpec) -> str | None:
    """A text, where its rows are nobody's."""
    if not isinstance(spec.origin, BuiltinOrigin):
        return None
    first, second = spec.kind.texts(spec, spec.origin.generate("train")[0])[0]
    return str(first) if second is None else f"{first} | {second}"
