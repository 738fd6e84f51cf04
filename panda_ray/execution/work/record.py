"""What is stored of a finished unit: `record.json`, what was trained and the predictions on the dev set.

Shape letters: I dev items, M statistics of the task's measure.
"""

from __future__ import annotations

import io
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch
import torch

from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.units.artifacts import PREDICTIONS_FILE, PROMPT_FILE
from panda_ray.execution.units.canonical import canonical_json
from panda_ray.execution.units.unit import Unit
from panda_ray.execution.work.memory import device_name
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.training.member import MemberResult

InputFiles = Mapping[str, Sequence[Mapping[str, str]]]
"""What was read of the dependencies, by role: the `key` of each, the `file` and the file's `sha256`."""


@dataclass(frozen=True)
class Measured:
    """What running a stack took.

    Attributes:
        seconds: the unit's share of the stack's wall time: of its training by the epochs that each member was trained
            for, of the rest as much as every other member.
        peak_memory_bytes: see `memory.py`.
        hosts: the machines that it ran on, that of rank 0 first.
        training_seconds: the part of `seconds` inside the training; None for an embedding.
        examples_per_second: of all members together; None where nothing was left to train.
        activation_checkpointing, devices: what its memory depended on besides its configuration; how many the backbone
            was spread over.
    """

    seconds: float
    device: torch.device
    peak_memory_bytes: int
    hosts: Sequence[str]
    training_seconds: float | None = None
    examples_per_second: float | None = None
    activation_checkpointing: bool = False
    devices: int = 1


def training_record(
    unit: Unit,
    result: MemberResult,
    task: EncodedTask,
    similarities: Sequence[float],
    inputs: InputFiles,
    stack: Stack,
    measured: Measured,
) -> dict[str, Any]:
    """Scores and history of a training, in percent, and what planning wants to know of it."""
    assert unit.config is not None, "a training has hyper-parameters"
    history = result.history
    paper = max(epoch.score for epoch in history)
    honest = max(history, key=lambda epoch: epoch.score_select).score_report
    return {
        **_common(unit, inputs, stack, measured),
        "sources": list(unit.sources),
        "target": unit.task,
        "protocol": unit.config.protocol,
        "measure": task.spec.measure,
        "score": paper if unit.config.protocol == "paper" else honest,
        "score_last": history[-1].score,
        "score_first_epoch": history[0].score,
        "score_paper": paper,
        "score_honest": honest,
        "history": [asdict(epoch) for epoch in history],
        "similarities": list(similarities),
        "examples_per_second": measured.examples_per_second,
        "training_seconds": measured.training_seconds,
        "activation_checkpointing": measured.activation_checkpointing,
        "backbone_devices": measured.devices,
        "trained_parameters": result.trained_parameters,
        "workers": stack.workers,
        "shapes": list(result.workers),
        "train_examples": task.train.examples,
        "dev_examples": task.dev.examples,
        "rows_per_example": task.train.rows_per_example,
        "tokens_per_example": int(task.train.lengths_R.sum()) / task.train.examples,
    }


def embedding_record(unit: Unit, inputs: InputFiles, stack: Stack, measured: Measured) -> dict[str, Any]:
    """What is known of an embedding besides its array."""
    return {**_common(unit, inputs, stack, measured), "task": unit.task}


def training_files(unit: Unit, result: MemberResult, task: EncodedTask) -> dict[str, bytes]:
    """What was trained and is kept, with its origin in the file's header, and the predictions."""
    assert result.artifact is not None, "only results without an error are stored"
    predictions = {PREDICTIONS_FILE: _predictions(result, task.dev.references)}
    if not result.artifact:
        return predictions
    # One entry, because safetensors writes several in random order and equal prompts must be equal files.
    header = {"panda_ray": canonical_json({"key": unit.key, "identity": unit.identity})}
    trained = safetensors.torch.save(dict(result.artifact), metadata=header)
    return {PROMPT_FILE: trained, **predictions}


def _predictions(result: MemberResult, references: Sequence[Any]) -> bytes:
    """One row per dev item: what was right, what was said at both selected epochs, and the measure's statistics."""
    assert result.best is not None, "a training has at least one epoch"
    assert result.honest is not None, "a training has at least one epoch"
    columns: dict[str, Any] = {
        "item": pa.array(range(len(references)), pa.int32()),
        "select": pa.array([item in result.select_items for item in range(len(references))], pa.bool_()),
        "reference": _json_column(references),
        "prediction": _json_column(result.best.values),
        "prediction_honest": _json_column(result.honest.values),
    }
    for name, statistics_IM in (("stat", result.best.statistics_IM), ("honest", result.honest.statistics_IM)):
        for index, column_I in enumerate(np.asarray(statistics_IM, dtype=np.float64).T):
            columns[f"{name}_{index}"] = pa.array(column_I, pa.float64())
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def _json_column(values: Sequence[Any]) -> Any:
    return pa.array([json.dumps(value, sort_keys=True) for value in values], pa.string())


def _common(unit: Unit, inputs: InputFiles, stack: Stack, measured: Measured) -> dict[str, Any]:
    return {
        "key": unit.key,
        "product": unit.product,
        "identity": unit.identity,
        "inputs": inputs,
        "method": unit.method,
        "backbone": unit.backbone.name,
        "seed": unit.seed,
        "seconds": measured.seconds,
        "peak_memory_bytes": measured.peak_memory_bytes,
        "device": device_name(measured.device),
        "hosts": list(measured.hosts),
        "threads": torch.get_num_threads(),
        "versions": _versions(),
        "stack": stack.id,
        "stack_width": len(stack.members),
        "finished_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


@lru_cache(maxsize=1)
def _versions() -> Mapping[str, str]:
    packages = ("panda-ray", "torch", "transformers")
    return {"python": platform.python_version(), **{package: version(package) for package in packages}}
