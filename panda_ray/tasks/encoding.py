"""From rows to tensors: which module encodes which kind of task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from panda_ray.tasks.encoded import EncodedSplit, EncodedTask
from panda_ray.tasks.kinds import candidate_ranking, extractive_qa, multiple_choice, sentence, tagging
from panda_ray.tasks.loading import TaskRows
from panda_ray.tasks.task import Kind, Row, TaskSpec

Encoder = Callable[[TaskSpec, Sequence[Row], Any, int], EncodedSplit]

ENCODERS: Mapping[Kind, Encoder] = {
    "classification": sentence.encode,
    "regression": sentence.encode,
    "multiple_choice": multiple_choice.encode,
    "tagging": tagging.encode,
    "extractive_qa": extractive_qa.encode,
    "candidate_ranking": candidate_ranking.encode,
}


def encode_split(spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, max_len: int) -> EncodedSplit:
    """One split of a task, as the tokenizer of a backbone sees it.

    Args:
        rows: rows as `load_rows` gives them (labels as codes).
        tokenizer: a transformers fast tokenizer.
        max_len: tokens per row at the most, special tokens included.
    """
    return ENCODERS[spec.kind](spec, rows, tokenizer, max_len)


def encode_task(spec: TaskSpec, rows: TaskRows, tokenizer: Any, max_len: int) -> EncodedTask:
    """Both splits of a task."""
    return EncodedTask(
        spec, encode_split(spec, rows.train, tokenizer, max_len), encode_split(spec, rows.dev, tokenizer, max_len)
    )
