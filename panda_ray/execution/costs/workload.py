"""What a stack has to compute, in operations and in launches, before anything is known about the device.

A training passes every training example forward and backward in every epoch, the dev set forward after every epoch,
and, where members imitate teachers, the training set once more forward for each of them. A launch is one layer's part
of one optimiser step: what a device spends on it does not depend on how wide the stack is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from panda_ray.backbones import Sizes
from panda_ray.execution.costs.operations import forward_operations, row_operations
from panda_ray.methods import get_method
from panda_ray.methods.trains import Trains
from panda_ray.metrics import PairMetric, get_metric
from panda_ray.metrics.pairs.pair_metric import MOST_ROWS
from panda_ray.training.config import TrainConfig
from panda_ray.training.steps import Steps

_EMBEDDING_PASSES = 200
"""An embedding on examples passes about a hundred of them, with the prompt and without."""


@dataclass(frozen=True)
class TaskSize:
    """How much a task is, as a backbone's tokenizer sees it.

    Attributes:
        rows_per_example: encoded rows; more than one for multiple choice.
        tokens_per_row: mean over the training rows, without padding.
        every_token: whether heads read every token of a row, or the first one alone.
    """

    train_examples: float
    dev_examples: float
    rows_per_example: float
    tokens_per_row: float
    every_token: bool


@dataclass(frozen=True)
class Work:
    """Floating-point operations, and launches (layers times steps)."""

    operations: float
    launches: float


def training_examples(config: TrainConfig, examples: float) -> float:
    """Examples that a training passes forward and backward."""
    seen = examples * config.epochs
    return seen if config.max_steps is None else min(seen, config.max_steps * config.batch_size)


@lru_cache(maxsize=4096)
def loop_operations(trains: Trains, sizes: Sizes, task: TaskSize, config: TrainConfig) -> float:
    """Operations of one member in its training loop, evaluations included."""
    rows = task.rows_per_example
    row = row_operations(trains, sizes, task.tokens_per_row, config.prompt_len, task.every_token)
    forward, backward = (rows * operations for operations in row)
    trained = training_examples(config, task.train_examples) * (forward + backward)
    return trained + Steps.of(config, task.train_examples).evaluations * task.dev_examples * forward


def training_work(
    trains: Trains, methods: Iterable[tuple[str, int]], sizes: Sizes, task: TaskSize, config: TrainConfig
) -> Work:
    """Work of one stack: the operations of its members and of their teachers, and the launches that they share.

    Args:
        trains: what its members train.
        methods: of its members, each with the number of its sources.
    """
    members = [(get_method(method), sources) for method, sources in methods]
    passes = sum(method.teacher_passes(sources) for method, sources in members)
    trained = sum(method.passes_per_row(sources) for method, sources in members)
    one_pass = task.train_examples * task.rows_per_example
    one_pass *= row_operations(trains, sizes, task.tokens_per_row, config.prompt_len, task.every_token)[0]
    return Work(
        operations=trained * loop_operations(trains, sizes, task, config) + passes * one_pass,
        launches=sizes.layers * Steps.of(config, task.train_examples).total,
    )


def embedding_work(metric: str, sizes: Sizes, task: TaskSize, prompt_len: int) -> Work:
    """Work of one embedding; nothing where a metric reads the prompt, or its record, alone."""
    plugin = get_metric(metric)
    passes: float = _EMBEDDING_PASSES if plugin.needs_data else 0
    if isinstance(plugin, PairMetric):
        passes = min(task.train_examples, MOST_ROWS)
    operations = forward_operations(sizes, task.tokens_per_row, prompt_len, every_token=False) * task.rows_per_example
    return Work(passes * operations, sizes.layers)
