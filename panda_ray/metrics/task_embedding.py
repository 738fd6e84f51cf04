"""The paper's metric (Sec. III-D): how a prompt moves the backbone's view of its own task.

For examples of the task, h = h_cls(backbone with the prompt) - h_cls(backbone alone); the task's embedding is the mean
of h, the similarity of two tasks the cosine of their embeddings.

Shape letters: Q examples, D hidden size.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from panda_ray.metrics.metric import MetricOptions
from panda_ray.metrics.vectors import cosine
from panda_ray.seeding import generator

if TYPE_CHECKING:
    from panda_ray.backbones.backbone import Backbone
    from panda_ray.prompts.prompt import Prompt
    from panda_ray.tasks.encoded import EncodedSplit, EncodedTask


class TaskEmbeddingOptions(MetricOptions):
    """Options of the task embedding; the defaults are the paper's."""

    examples: Literal[50, 100, 200, 300] = 100
    feature: Literal["last_hidden", "pooler"] = "last_hidden"
    compare: Literal["cosine_of_means", "mean_of_cosines"] = "cosine_of_means"
    seed: int = Field(default=0, ge=0)
    """Chooses the examples; the same for every prompt, so that prompts differ and examples do not."""


class TaskEmbedding:
    """What is kept of a prompt is h of every example, (Q, D); means are taken when two of them are compared."""

    name = "task_embedding"
    version = 1
    summary = "cosine of the mean shift of [CLS] on examples of the task (the paper's)"
    needs_prompt = True
    needs_data = True
    Options: type[MetricOptions] = TaskEmbeddingOptions

    def embedding(
        self, backbone: Backbone, prompt: Prompt, task: EncodedTask | None, options: MetricOptions
    ) -> NDArray[np.float32]:
        assert isinstance(options, TaskEmbeddingOptions)
        assert task is not None, "this metric reads examples"
        dev, train = balanced_examples(task, options.examples, options.seed)
        parts = [
            _shift(backbone, split, chosen, prompt, options)
            for split, chosen in ((task.dev, dev), (task.train, train))
            if chosen
        ]
        return np.concatenate(parts)

    def similarity(
        self, source: NDArray[np.float32] | None, target: NDArray[np.float32] | None, options: MetricOptions
    ) -> float:
        assert isinstance(options, TaskEmbeddingOptions)
        assert source is not None, "this metric has an embedding"
        assert target is not None, "this metric has an embedding"
        if options.compare == "cosine_of_means":
            return cosine(source.mean(axis=0), target.mean(axis=0))
        return float(np.mean([cosine(a, b) for a in source for b in target]))


def balanced_examples(task: EncodedTask, count: int, seed: int) -> tuple[list[int], list[int]]:
    """Examples of the dev set and, where that is too small, of the training set: balanced over classes, seeded.

    Tasks without classes (regression, tagging, extractive QA) give a plain random sample.
    """
    taken: Counter[int] = Counter()
    dev = _balanced(task, task.dev, count, seed, taken)
    return dev, _balanced(task, task.train, count - len(dev), seed, taken)


def _balanced(task: EncodedTask, split: EncodedSplit, count: int, seed: int, taken: Counter[int]) -> list[int]:
    """Up to `count` random examples, each from the class that has been taken least; `taken` is counted on."""
    import torch

    queues: dict[int, list[int]] = defaultdict(list)
    for example in torch.randperm(split.examples, generator=generator(seed, "task-embedding")).tolist():
        queues[int(split.labels[example]) if task.spec.kind.has_classes else 0].append(example)
    chosen: list[int] = []
    while len(chosen) < count and queues:
        label = min(queues, key=lambda each: (taken[each], each))
        chosen.append(queues[label].pop())
        taken[label] += 1
        if not queues[label]:
            del queues[label]
    return sorted(chosen)


def _shift(
    backbone: Backbone, split: EncodedSplit, chosen: list[int], prompt: Prompt, options: TaskEmbeddingOptions
) -> NDArray[np.float32]:
    """h of each chosen example, (Q, D); for multiple choice the mean over its choices."""
    import torch

    from panda_ray.backbones.forward.row_reader import RowReader

    blocks = [RowReader(split.to(backbone.device)).tokens(torch.tensor(chosen))]
    prefix_1LKNPH = prompt.prefix_LKNPH.unsqueeze(0).to(backbone.device)
    with torch.no_grad():
        (prompted,) = backbone.forward(blocks, prefix_1LKNPH, position_offset=prompt.position_offset, pooled_only=True)
        (plain,) = backbone.forward(blocks, None, position_offset=True, pooled_only=True)
    if options.feature == "pooler":
        shift_RD = prompted.pooled_RD - plain.pooled_RD
    else:
        shift_RD = prompted.hidden_RTD[:, 0] - plain.hidden_RTD[:, 0]
    shift_QD = shift_RD.reshape(len(chosen), split.rows_per_example, -1).mean(dim=1)
    shift: NDArray[np.float32] = shift_QD.float().cpu().numpy()
    return shift
