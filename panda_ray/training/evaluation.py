"""Scores of a whole stack on the dev set: one pass for all members, then each task's own decoding and metric.

Shape letters: S members, E examples, I items of the dev set, M statistics per item, T tokens, C outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from panda_ray.backbones.backbone import Backbone
from panda_ray.backbones.rows import RowReader
from panda_ray.seeding import generator
from panda_ray.tasks.scoring import decode, reduce, statistics
from panda_ray.tasks.task import TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.inference import outputs_by_batch
from panda_ray.training.optimizer import StackParameters


@dataclass(frozen=True)
class Evaluation:
    """One member on the dev set, in percent: all of it, its selecting half, its reported half."""

    score: float
    score_select: float
    score_report: float
    values: tuple[Any, ...]
    statistics_IM: NDArray[np.float64]


def selecting_half(items: int) -> NDArray[np.bool_]:
    """Mask (I,) of the dev items that select the epoch under the `honest` protocol; the same split for every unit."""
    half_I = np.zeros(items, dtype=bool)
    half_I[torch.randperm(items, generator=generator(0, "dev-halves"))[: items // 2].numpy()] = True
    return half_I


def evaluate_stack(
    backbone: Backbone, spec: TaskSpec, reader: RowReader, parameters: StackParameters, config: TrainConfig
) -> list[Evaluation]:
    """Evaluate every member with its current prompt and head."""
    outputs = _collect(backbone, spec, reader, parameters, config)
    return [_score(spec, reader, outputs_E) for outputs_E in outputs]


def _collect(
    backbone: Backbone, spec: TaskSpec, reader: RowReader, parameters: StackParameters, config: TrainConfig
) -> NDArray[Any]:
    """Outputs of all members on the host: (S, E, ..., C), or tag ids (S, E, T) for tagging."""
    weight_SCD, bias_SC = parameters.head_SCD_SC()
    prefix_SLKNPH = parameters.prefix_SLKNPH()
    collected: NDArray[Any] | None = None
    for example_B, output in outputs_by_batch(backbone, spec.kind, reader, prefix_SLKNPH, weight_SCD, bias_SC, config):
        batch = (output.argmax(dim=-1) if spec.kind == "tagging" else output).cpu().numpy()
        if collected is None:
            collected = _allocate(spec, reader, batch)
        if spec.kind in ("tagging", "extractive_qa"):
            collected[:, example_B.numpy(), ..., : batch.shape[-1]] = batch
        else:
            collected[:, example_B.numpy()] = batch
    assert collected is not None, "an empty dev set is refused when it is loaded"
    return collected


def _allocate(spec: TaskSpec, reader: RowReader, batch: NDArray[Any]) -> NDArray[Any]:
    """Room for the whole split; tokens beyond a batch's longest row can be neither tags nor answers."""
    members, _, *shape = batch.shape
    if spec.kind in ("tagging", "extractive_qa"):
        shape[-1] = reader.split.input_ids_RT.shape[1]
    fill = -np.inf if spec.kind == "extractive_qa" else 0
    return np.full((members, reader.split.examples, *shape), fill, dtype=batch.dtype)


def _score(spec: TaskSpec, reader: RowReader, outputs: NDArray[Any]) -> Evaluation:
    values = decode(spec, reader.split, outputs)
    statistics_IM = statistics(spec.metric, values, reader.split.references)
    select_I = selecting_half(len(statistics_IM))
    return Evaluation(
        score=reduce(spec.metric, statistics_IM),
        score_select=reduce(spec.metric, statistics_IM[select_I]),
        score_report=reduce(spec.metric, statistics_IM[~select_I]),
        values=values,
        statistics_IM=statistics_IM,
    )
