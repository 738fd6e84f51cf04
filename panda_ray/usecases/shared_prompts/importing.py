"""A prompt that another program trained, brought into a store: measured on dev rows, known by its content."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from panda_ray.errors import InputError
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.imported import imported_unit
from panda_ray.execution.units.unit import BackboneRef
from panda_ray.tasks import get_task
from panda_ray.usecases.engine import check_engine
from panda_ray.usecases.shared_prompts.kept import KeptPrompt, kept_prompt
from panda_ray.usecases.shared_prompts.prompt_places import written_place

if TYPE_CHECKING:
    from panda_ray.backbones import Backbone
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.tasks.encoded import EncodedTask
    from panda_ray.training.member import MemberResult


def import_prompt(
    path: Path,
    url: str,
    task: str,
    backbone: str,
    model: str | None = None,
    data_root: str | None = None,
    max_len: int = 128,
) -> KeptPrompt:
    """Read a prompt, evaluate it with its head, and keep it as a source prompt that sweeps may take.

    Args:
        path: folder of a PEFT prefix-tuning adapter, or of a checkpoint of P-Tuning v2, or the checkpoint's file.
        url: of the store.
        task: registered task that it is a prompt of; outputs of its head are in the order of the task's labels.
        backbone: name of the frozen model that it was trained with.
        model: folder of that model, where it is not registered.
        data_root: folder of data sets, for rows that are not the package's own or the Hub's.
        max_len: tokens per row at the most.

    Raises:
        InputError: for what is not there, cannot be read, or does not fit together; the storage is full.
    """
    check_engine("an import")
    from panda_ray.backbones import backbone_identity, check_positions, load_backbone
    from panda_ray.execution.planning.stack import Stack
    from panda_ray.execution.work.memory import peak_bytes
    from panda_ray.execution.work.record import Measured, training_files, training_record
    from panda_ray.prompts.foreign import content_hash, read_foreign
    from panda_ray.tasks.encoded import EncodedTask
    from panda_ray.tasks.rows.loading import load_rows

    store, spec = Store(written_place(url)), get_task(task)
    identity = backbone_identity(backbone, model)
    loaded = load_backbone(backbone, model, identity=identity)
    prompt = read_foreign(path, loaded.geometry)
    if len(prompt.head_bias_C) != spec.output_size:
        raise InputError(
            f"{path}: the head has {len(prompt.head_bias_C)} outputs, and task {task!r} asks for {spec.output_size}"
        )
    prompt_len = prompt.prefix_LKNPH.shape[3]
    check_positions(backbone, loaded.geometry.max_positions, prompt_len, max_len, position_offset=True)
    unit = imported_unit(BackboneRef(backbone, identity), task, content_hash(prompt), prompt_len, max_len)
    if unit.key not in store.done_keys([unit.key]):
        started = time.monotonic()
        encoded = EncodedTask.of_rows(spec, load_rows(spec, data_root), loaded.tokenizer, max_len)
        result = _evaluated(prompt, loaded, encoded)
        measured = Measured(time.monotonic() - started, loaded.device, peak_bytes(loaded.devices), hosts=())
        record = training_record(unit, result, encoded, (), {}, Stack((unit,)), measured)
        history = [{name: value for name, value in asdict(epoch).items() if name != "loss"} for epoch in result.history]
        # Nobody here knows what it was trained on, and how.
        said = {**record, "history": history, "train_examples": 0}
        store.publish(unit.key, said, training_files(unit, result, encoded))
    return kept_prompt(unit.key, store.known(unit.key))


def _evaluated(prompt: Prompt, backbone: Backbone, task: EncodedTask) -> MemberResult:
    """The prompt as it is, as if an epoch of no steps had been trained."""
    from panda_ray.tasks.measures.scores import reduce, statistics
    from panda_ray.training.engine.passes.prediction import outputs_of
    from panda_ray.training.engine.stack.dev_scores import selecting_half
    from panda_ray.training.member import EpochScore, MemberResult, Predictions

    spec, split, tensors = task.spec, task.dev, prompt.tensors()
    outputs_E = outputs_of(backbone, spec.kind, tensors, split, "fp32")
    values = spec.decode(split, spec.kind.kept(outputs_E.unsqueeze(0))[0].numpy())
    statistics_IM = statistics(spec.measure, values, split.references)
    select_I = selecting_half(len(statistics_IM))
    scores = [
        reduce(spec.measure, part_IM) for part_IM in (statistics_IM, statistics_IM[select_I], statistics_IM[~select_I])
    ]
    said = Predictions(0, values, statistics_IM)
    return MemberResult(
        name=spec.name,
        artifact=tensors,
        history=(EpochScore(0, 0.0, *scores),),
        best=said,
        honest=said,
        select_items=frozenset(select_I.nonzero()[0].tolist()),
    )
