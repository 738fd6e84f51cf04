"""Tagging: the first sub-token of each word carries the word's tag (NER, SRL).

Words are joined by blanks and found again by character offsets, so that any fast tokenizer serves; semantic role
labelling appends [SEP] and the predicate, in segment 0 like the words, as the released code does. A word that
truncation cut off, or of which the tokenizer keeps nothing, still counts in the reference and is predicted as "O".

Shape letters: E examples, T tokens, S tokens of the sentence (first segment), W words of a row that have a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from panda_ray.tasks.encoded import EncodedSplit
from panda_ray.tasks.kinds.token_rows import TokenRows, encodings, pad_id, pad_rows
from panda_ray.tasks.task import Row, TaskSpec

IGNORED = -100
"""Label of the tokens that no tag belongs to."""

_SEGMENT = 0
"""Of every token, the appended predicate's too."""


@dataclass(frozen=True)
class TaggedWords:
    """Where a row's words are among its tokens.

    Attributes:
        words: number of words of the row.
        word_W: words that have a token.
        token_W: first token of each of them.
    """

    words: int
    word_W: NDArray[np.int64]
    token_W: NDArray[np.int64]


def encode(spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, max_len: int) -> EncodedSplit:
    """One example and one item per row."""
    assert spec.first is not None, f"task {spec.name} has no template for its words"
    sentences = [spec.first(row) for row in rows]
    texts = [" ".join(words) for words in sentences]
    predicates = None if spec.second is None else [spec.second(row) for row in rows]
    token_rows, labels, decoding = TokenRows(), [], []
    encoded = encodings(tokenizer, texts, predicates, max_len, "longest_first")
    for words, row, encoding in zip(sentences, rows, encoded, strict=True):
        token_rows.append(encoding.ids, [_SEGMENT] * len(encoding.ids))
        found = _first_tokens(words, encoding)
        label_T = np.full(len(encoding.ids), IGNORED, dtype=np.int64)
        label_T[found.token_W] = np.asarray(row[spec.label_column], dtype=np.int64)[found.word_W]
        labels.append(label_T)
        decoding.append(found)
    ids_RT, types_RT, lengths_R = token_rows.tensors(pad_id(tokenizer))
    return EncodedSplit(
        input_ids_RT=ids_RT,
        token_type_ids_RT=types_RT,
        lengths_R=lengths_R,
        rows_per_example=1,
        labels=torch.from_numpy(pad_rows(labels, lengths_R.numpy(), IGNORED)),
        references=tuple([spec.labels[code] for code in row[spec.label_column]] for row in rows),
        item_of_example=tuple(range(len(rows))),
        decoding=tuple(decoding),
    )


def _first_tokens(words: Sequence[str], encoding: Any) -> TaggedWords:
    """The first token of every word, by the characters that the token covers."""
    if not words:
        return TaggedWords(0, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    offsets_T2 = np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    token_S = np.flatnonzero([segment == 0 for segment in encoding.sequence_ids])
    word_ends = np.cumsum([len(word) + 1 for word in words]) - 1
    # By the last character of a token: byte-level tokenizers count the blank before a word to it. A blank that is a
    # token of its own covers nothing and begins where its word does.
    character_S = np.maximum(offsets_T2[token_S, 1] - 1, offsets_T2[token_S, 0])
    word_S = np.searchsorted(word_ends, np.minimum(character_S, word_ends[-1] - 1), side="right")
    word_W, first_W = np.unique(word_S, return_index=True)
    return TaggedWords(len(words), word_W, token_S[first_W])


def decode(spec: TaskSpec, split: EncodedSplit, outputs_ET: NDArray[Any]) -> tuple[list[str], ...]:
    """Tag names, one per word of the row."""
    names = np.array(spec.labels, dtype=object)
    return tuple(_word_tags(names, found, tags_T) for found, tags_T in zip(split.decoding, outputs_ET, strict=True))


def _word_tags(names: NDArray[np.object_], found: TaggedWords, tags_T: NDArray[Any]) -> list[str]:
    tags = np.full(found.words, "O", dtype=object)
    tags[found.word_W] = names[tags_T[found.token_W]]
    result: list[str] = tags.tolist()
    return result
