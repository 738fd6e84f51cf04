"""Classification and regression: one text or pair per row, read from the pooled vector.

Shape letters: E examples, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from panda_ray.tasks.encoded import EncodedSplit
from panda_ray.tasks.kinds.token_rows import encode_texts, pad_id
from panda_ray.tasks.task import Row, TaskSpec


def encode(spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, max_len: int) -> EncodedSplit:
    """One example and one item per row."""
    assert spec.first is not None, f"task {spec.name} has no template for its text"
    first = [spec.first(row) for row in rows]
    second = None if spec.second is None else [spec.second(row) for row in rows]
    ids_RT, types_RT, lengths_R = encode_texts(tokenizer, first, second, max_len).tensors(pad_id(tokenizer))
    references = tuple(row[spec.label_column] for row in rows)
    return EncodedSplit(
        input_ids_RT=ids_RT,
        token_type_ids_RT=types_RT,
        lengths_R=lengths_R,
        rows_per_example=1,
        labels=torch.tensor(references, dtype=torch.float32 if spec.kind == "regression" else torch.int64),
        references=references,
        item_of_example=tuple(range(len(rows))),
        decoding=(None,) * len(rows),
    )


def decode_classes(_spec: TaskSpec, _split: EncodedSplit, outputs_EC: NDArray[Any]) -> tuple[int, ...]:
    """The class (or choice) with the largest output."""
    return tuple(outputs_EC.argmax(axis=1).tolist())


def decode_numbers(_spec: TaskSpec, _split: EncodedSplit, outputs_E1: NDArray[Any]) -> tuple[float, ...]:
    """The outputs themselves."""
    return tuple(outputs_E1[:, 0].astype(np.float64).tolist())
