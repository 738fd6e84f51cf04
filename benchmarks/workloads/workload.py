"""The rows that every comparator trains on: random tokens with the lengths of a real task.

Shape letters: E examples, R rows (one per example), T tokens.
"""

from __future__ import annotations

import torch

from benchmarks.workloads.lengths import Lengths, load_lengths
from benchmarks.workloads.models import VOCABULARY
from benchmarks.workloads.setting import Setting
from panda_ray.seeding import generator
from panda_ray.tasks.encoded import EncodedSplit, EncodedTask
from panda_ray.tasks.kinds import CLASSIFICATION, REGRESSION
from panda_ray.tasks.task import BuiltinOrigin, Hyperparameters, TaskSpec
from panda_ray.training.engine.batching import epoch_order

_FIRST_WORD = 1_000
"""Ids below it are special or unused in BERT's uncased vocabulary."""


def make_task(setting: Setting) -> EncodedTask:
    """The task, encoded; the same for every comparator."""
    lengths = load_lengths(setting.task)
    return EncodedTask(
        _spec(setting, lengths), _split(setting, lengths, setting.rows), _split(setting, lengths, setting.dev_rows)
    )


def example_order(setting: Setting) -> torch.Tensor:
    """Examples of all steps, one after the other, (steps * batch_size,): the order that panda_ray follows."""
    return torch.cat([epoch_order([setting.seed], epoch, setting.rows)[0] for epoch in range(setting.epochs)])


def _spec(setting: Setting, lengths: Lengths) -> TaskSpec:
    regression = lengths.classes == 1
    return TaskSpec(
        name=f"{lengths.task}-lengths",
        group="benchmark",
        kind=REGRESSION if regression else CLASSIFICATION,
        measure="pearson_spearman_mean" if regression else "accuracy",
        origin=BuiltinOrigin(lambda _: []),
        hyperparameters=Hyperparameters(setting.lr, setting.batch_size, setting.epochs),
        train_rows=setting.rows,
        columns=(),
        labels=() if regression else tuple(f"class {label}" for label in range(lengths.classes)),
    )


def _split(setting: Setting, lengths: Lengths, rows: int) -> EncodedSplit:
    random = generator(setting.seed, "workload", setting.task, rows)
    lengths_R = torch.tensor(lengths.quantiles(rows))[torch.randperm(rows, generator=random)]
    longest = int(lengths_R.max())
    input_ids_RT = torch.randint(_FIRST_WORD, VOCABULARY, (rows, longest), generator=random)
    input_ids_RT[torch.arange(longest) >= lengths_R.unsqueeze(1)] = 0
    if lengths.classes == 1:
        labels = torch.rand(rows, generator=random)
    else:
        labels = torch.randint(lengths.classes, (rows,), generator=random)
    return EncodedSplit(
        input_ids_RT=input_ids_RT,
        token_type_ids_RT=torch.zeros_like(input_ids_RT),
        lengths_R=lengths_R,
        rows_per_example=1,
        labels=labels,
        references=tuple(labels.tolist()),
        item_of_example=tuple(range(rows)),
        decoding=(None,) * rows,
    )
