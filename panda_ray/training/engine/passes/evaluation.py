"""Scores of a whole stack on the dev set: one pass for all members, then each task's own decoding and measure.

Workers share the pass and gather its outputs; scoring them costs little, so every worker does that for itself.

Shape letters: S members, E examples, I items of the dev set, M statistics per item, T tokens, C outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.backbones.backbone import Backbone
from panda_ray.backbones.forward.row_reader import RowReader
from panda_ray.tasks.measures.scores import reduce, statistics
from panda_ray.tasks.task import TaskSpec
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.collective import SOLO, Collective
from panda_ray.training.engine.halting import Halt, never
from panda_ray.training.engine.passes.inference import outputs_by_batch
from panda_ray.training.engine.stack.dev_scores import Evaluation, selecting_half
from panda_ray.training.engine.stack.stack_model import StackModel

_Batch = tuple[NDArray[np.int64], NDArray[Any], NDArray[np.bool_]]
"""Examples (B,), what is kept of their outputs (S, B, ...), and whether each member's outputs are finite (S,)."""


def evaluate_stack(
    backbone: Backbone,
    spec: TaskSpec,
    reader: RowReader,
    model: StackModel,
    config: TrainConfig,
    collective: Collective = SOLO,
    halt: Halt = never,
) -> list[Evaluation | None]:
    """Evaluate every member as it is; None where its outputs are not finite.

    Raises:
        HaltedError: between two batches.
    """
    own = _host_batches(backbone, spec, reader, model, config, collective, halt)
    batches = [batch for part in collective.gather(own) for batch in part]
    finite_S = np.logical_and.reduce([batch_finite_S for _, _, batch_finite_S in batches])
    outputs = _collect(spec, reader, batches)
    return [
        _score(spec, reader, outputs_E) if finite else None for outputs_E, finite in zip(outputs, finite_S, strict=True)
    ]


def _host_batches(
    backbone: Backbone,
    spec: TaskSpec,
    reader: RowReader,
    model: StackModel,
    config: TrainConfig,
    collective: Collective,
    halt: Halt,
) -> list[_Batch]:
    """This worker's part of the dev set."""
    batches = outputs_by_batch(backbone, spec.kind, reader, model, config, collective, halt)
    return [
        (
            example_B.numpy(),
            spec.kind.kept(output).cpu().numpy(),
            output.flatten(1).isfinite().all(dim=1).cpu().numpy(),
        )
        for example_B, output in batches
    ]


def _collect(spec: TaskSpec, reader: RowReader, batches: Sequence[_Batch]) -> NDArray[Any]:
    """What is kept of all members' outputs for the whole split, (S, E, ...)."""
    collected = _allocate(spec, reader, batches[0][1])
    for example_B, batch, _ in batches:
        collected[:, example_B, ..., : batch.shape[-1]] = batch
    return collected


def _allocate(spec: TaskSpec, reader: RowReader, batch: NDArray[Any]) -> NDArray[Any]:
    """Room for the whole split; tokens beyond a batch's longest row hold padding."""
    members, _, *shape = batch.shape
    if spec.kind.reads_tokens:
        shape[-1] = reader.split.input_ids_RT.shape[1]
    return np.full((members, reader.split.examples, *shape), spec.kind.padding, dtype=batch.dtype)


def _score(spec: TaskSpec, reader: RowReader, outputs: NDArray[Any]) -> Evaluation:
    values = spec.decode(reader.split, outputs)
    statistics_IM = statistics(spec.measure, values, reader.split.references)
    select_I = selecting_half(len(statistics_IM))
    return Evaluation(
        score=reduce(spec.measure, statistics_IM),
        score_select=reduce(spec.measure, statistics_IM[select_I]),
        score_report=reduce(spec.measure, statistics_IM[~select_I]),
        values=values,
        statistics_IM=statistics_IM,
    )
