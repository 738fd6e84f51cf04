"""Candidate ranking (ReCoRD): one binary example per candidate of a query, the best-scoring candidate answers it.

Shape letters: E examples.
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
    """One example per candidate, one item per row; a candidate's label is 1 if it is among the row's answers.

    The second template gives the candidates: a mapping from each candidate to the query with that candidate filled in.
    """
    assert spec.first is not None, f"task {spec.name} has no template for its passage"
    assert spec.second is not None, f"task {spec.name} has no template for its candidates"
    passages, queries, candidates, labels, items = [], [], [], [], []
    for item, row in enumerate(rows):
        passage, answers = spec.first(row), set(row[spec.label_column])
        for candidate, query in spec.second(row).items():
            passages.append(passage)
            queries.append(query)
            candidates.append(candidate)
            labels.append(int(candidate in answers))
            items.append(item)
    ids_RT, types_RT, lengths_R = encode_texts(tokenizer, passages, queries, max_len).tensors(pad_id(tokenizer))
    return EncodedSplit(
        input_ids_RT=ids_RT,
        token_type_ids_RT=types_RT,
        lengths_R=lengths_R,
        rows_per_example=1,
        labels=torch.tensor(labels, dtype=torch.int64),
        references=tuple({"answers": list(row[spec.label_column])} for row in rows),
        item_of_example=tuple(items),
        decoding=tuple(candidates),
    )


def decode(_spec: TaskSpec, split: EncodedSplit, outputs_E2: NDArray[Any]) -> tuple[str, ...]:
    """The candidate of each item with the largest margin for "right"; the first one of equals."""
    margin_E = outputs_E2[:, 1].astype(np.float64) - outputs_E2[:, 0]
    item_E = np.asarray(split.item_of_example)
    order = np.lexsort((np.arange(len(item_E)), -margin_E, item_E))
    _, first = np.unique(item_E[order], return_index=True)
    return tuple(split.decoding[example] for example in order[first])
