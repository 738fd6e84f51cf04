"""Multiple choice: every choice is a row of its own, the engine compares the scores of an example's K rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from panda_ray.tasks.encoded import EncodedSplit
from panda_ray.tasks.kinds.token_rows import encode_texts, pad_id
from panda_ray.tasks.task import Row, TaskSpec


def encode(spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, max_len: int) -> EncodedSplit:
    """K rows per example, one example and one item per row of the data set."""
    assert spec.first is not None, f"task {spec.name} has no template for its choices"
    first = [text for row in rows for text in spec.first(row)]
    second = None if spec.second is None else [text for row in rows for text in spec.second(row)]
    ids_RT, types_RT, lengths_R = encode_texts(tokenizer, first, second, max_len).tensors(pad_id(tokenizer))
    references = tuple(row[spec.label_column] for row in rows)
    return EncodedSplit(
        input_ids_RT=ids_RT,
        token_type_ids_RT=types_RT,
        lengths_R=lengths_R,
        rows_per_example=len(first) // len(rows),
        labels=torch.tensor(references, dtype=torch.int64),
        references=references,
        item_of_example=tuple(range(len(rows))),
        decoding=(None,) * len(rows),
    )
