"""Encoded tasks: tensors for the engine beside what scoring needs to read the outputs back.

Shape letters: E examples, K encoded rows per example (choices), R = E * K rows, T tokens, C classes. Rows are
example-major: example e owns rows e*K ... e*K + K - 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from panda_ray.tasks.rows.loading import TaskRows
from panda_ray.tasks.task import TaskSpec


@dataclass(frozen=True)
class EncodedSplit:
    """One split as tensors, padded to the split's longest row; batches slice that down to their own longest row.

    Attributes:
        input_ids_RT: int64, padded with the tokenizer's pad id.
        token_type_ids_RT: int64, zeros where the tokenizer makes none.
        lengths_R: int64, tokens of each row without padding.
        rows_per_example: K; more than 1 where the rows of an example are compared with each other.
        labels: (E, ...) in the form of the task's kind: int64 (E,) class, right choice, or 0/1 of a candidate; float32
            (E,) numbers; int64 (E, T) tags with -100 where no label counts; int64 (E, 2) start and end token, (0, 0)
            for "no answer".
        references: what scoring compares with, one JSON value per *item* of the dev set: class code, number, list of
            tag names, or {"answers": [...]}.
        item_of_example: item that each example belongs to; differs from the identity where an item needs several
            examples (windows of one question, candidates of one query).
        decoding: per example, what turns outputs into a prediction (character offsets and context, candidate text,
            number of words); JSON-like, on the host.
    """

    input_ids_RT: Tensor
    token_type_ids_RT: Tensor
    lengths_R: Tensor
    rows_per_example: int
    labels: Tensor
    references: tuple[Any, ...]
    item_of_example: tuple[int, ...]
    decoding: tuple[Any, ...]

    @property
    def examples(self) -> int:
        return len(self.item_of_example)

    def to(self, device: torch.device) -> EncodedSplit:
        """The same split with its tensors on `device`."""
        return replace(
            self,
            input_ids_RT=self.input_ids_RT.to(device),
            token_type_ids_RT=self.token_type_ids_RT.to(device),
            lengths_R=self.lengths_R.to(device),
            labels=self.labels.to(device),
        )


@dataclass(frozen=True)
class EncodedTask:
    """A task ready for the engine."""

    spec: TaskSpec
    train: EncodedSplit
    dev: EncodedSplit

    @classmethod
    def of_rows(cls, spec: TaskSpec, rows: TaskRows, tokenizer: Any, max_len: int) -> EncodedTask:
        """Both splits, encoded with a transformers fast tokenizer, at most `max_len` tokens per row."""
        train, dev = (spec.encode(split, tokenizer, max_len) for split in (rows.train, rows.dev))
        return cls(spec, train, dev)
