"""What contracts are tried on: the built-in suite, the backbone that comes with the package, prompts that are drawn."""

from __future__ import annotations

from functools import cache

import torch

from panda_ray.backbones import Backbone, load_backbone
from panda_ray.prompts.prompt import Prompt
from panda_ray.tasks import get_task
from panda_ray.tasks.encoded import EncodedTask
from panda_ray.tasks.rows.loading import load_rows

MAX_LEN = 64
"""Tokens per row at the most, which all rows of the suite have room in."""
TASK_OF_KIND = {
    "classification": "remark",
    "regression": "rating",
    "multiple_choice": "choice",
    "tagging": "bulletin",
    "extractive_qa": "lookup",
}
"""A task of the suite of every kind that has one there."""


@cache
def sample_backbone() -> Backbone:
    return load_backbone("builtin-tiny", device="cpu")


@cache
def sample_task(task_kind: str = "classification", train: int = 60, dev: int = 30) -> EncodedTask:
    """So many rows of a task of the suite, as the backbone of the package reads them."""
    spec = get_task(TASK_OF_KIND[task_kind])
    rows = load_rows(spec, max_train_rows=train, max_dev_rows=dev)
    return EncodedTask.of_rows(spec, rows, sample_backbone().tokenizer, MAX_LEN)


def drawn_prompt(backbone: Backbone, seed: int, outputs: int, prompt_len: int = 5) -> Prompt:
    """A prompt that fits a backbone, from a standard normal distribution.

    Args:
        outputs: of its head.
    """
    sizes, random = backbone.geometry, torch.Generator().manual_seed(seed)
    prefix_LKNPH = torch.randn((sizes.layers, 2, sizes.kv_heads, prompt_len, sizes.head_size), generator=random)
    return Prompt(prefix_LKNPH, torch.randn(outputs, sizes.hidden, generator=random), torch.zeros(outputs))
