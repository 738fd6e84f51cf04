"""Extractive question answering: sliding windows over the context, start and end token, position 0 for "no answer".

A question's windows are its examples and share one item. The spans of a window are scored as start + end logit, as in
the BERT paper; a question has no answer where its best span scores below the smallest "no answer" score of its windows.

Shape letters: E examples (windows), T tokens, N context tokens of a window, A = `MAX_ANSWER_TOKENS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from panda_ray.tasks.encoded import EncodedSplit
from panda_ray.tasks.kinds.token_rows import TokenRows, encodings, pad_id, segment_ids
from panda_ray.tasks.task import Row, TaskSpec

MAX_ANSWER_TOKENS = 30


@dataclass(frozen=True)
class ContextWindow:
    """The part of a context that one example holds.

    Attributes:
        context: the whole context of the question.
        first_token: position of the window's first context token in its row.
        offsets_N2: first character and end of each context token.
    """

    context: str
    first_token: int
    offsets_N2: NDArray[np.int32]


def encode(spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, max_len: int) -> EncodedSplit:
    """One example per window, one item per question.

    A question keeps at most half of `max_len`; a window shares with the one before it half of the context tokens that
    such a question leaves room for (30 of 128 tokens for BERT).
    """
    token_rows, labels, items, decoding = TokenRows(), [], [], []
    for item, encoding, context in _windows(spec, rows, tokenizer, max_len):
        window = _window(context, encoding)
        token_rows.append(encoding.ids, segment_ids(tokenizer, encoding))
        labels.append(_answer_tokens(rows[item][spec.label_column], window))
        items.append(item)
        decoding.append(window)
    ids_RT, types_RT, lengths_R = token_rows.tensors(pad_id(tokenizer))
    return EncodedSplit(
        input_ids_RT=ids_RT,
        token_type_ids_RT=types_RT,
        lengths_R=lengths_R,
        rows_per_example=1,
        labels=torch.tensor(labels, dtype=torch.int64),
        references=tuple({"answers": list(row[spec.label_column]["text"])} for row in rows),
        item_of_example=tuple(items),
        decoding=tuple(decoding),
    )


def _windows(spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, max_len: int) -> Iterator[tuple[int, Any, str]]:
    """(item, encoding, context) of every window, questions in order."""
    assert spec.first is not None, f"task {spec.name} has no template for its question"
    assert spec.second is not None, f"task {spec.name} has no template for its context"
    room = max_len - tokenizer.num_special_tokens_to_add(pair=True)
    question_len = min(max_len // 2, room - 1)
    overlap = (room - question_len) // 2
    questions = _shortened(tokenizer, [spec.first(row) for row in rows], question_len)
    contexts = [spec.second(row) for row in rows]
    encoded = encodings(tokenizer, questions, contexts, max_len, "only_second", stride=overlap)
    for item, encoding in enumerate(encoded):
        for window in (encoding, *encoding.overflowing):
            yield item, window, contexts[item]


def _shortened(tokenizer: Any, questions: Sequence[str], max_tokens: int) -> list[str]:
    """Questions cut to `max_tokens` tokens, so that every window has room for its context."""
    room = max_tokens + tokenizer.num_special_tokens_to_add(pair=False)
    encoded = encodings(tokenizer, questions, None, room, "longest_first")
    return [question[: _kept(encoding)] for question, encoding in zip(questions, encoded, strict=True)]


def _kept(encoding: Any) -> int | None:
    """Characters of a text of which no token was cut off; None for all of them.

    A byte-level tokenizer may spell one character with several tokens: half a character is not kept.
    """
    if not encoding.overflowing:
        return None
    end: int = max(encoding.offsets[position][1] for position in _tokens(encoding))
    rest: int = encoding.overflowing[0].offsets[_tokens(encoding.overflowing[0])[0]][0]
    return min(end, rest)


def _tokens(encoding: Any, segment: int = 0) -> list[int]:
    """Positions of the tokens of one segment."""
    return [position for position, owner in enumerate(encoding.sequence_ids) if owner == segment]


def _window(context: str, encoding: Any) -> ContextWindow:
    context_tokens = _tokens(encoding, segment=1)
    if not context_tokens:
        return ContextWindow(context, 0, np.zeros((0, 2), dtype=np.int32))
    first, last = context_tokens[0], context_tokens[-1]
    return ContextWindow(context, first, np.asarray(encoding.offsets[first : last + 1], dtype=np.int32))


def _answer_tokens(answers: dict[str, list[Any]], window: ContextWindow) -> tuple[int, int]:
    """Start and end token of the first answer, or (0, 0) where the window does not hold all of it."""
    if not answers["text"] or not len(window.offsets_N2):
        return 0, 0
    begin = answers["answer_start"][0]
    end = begin + len(answers["text"][0])
    starts_N, ends_N = window.offsets_N2[:, 0], window.offsets_N2[:, 1]
    if begin < starts_N[0] or end > ends_N[-1] or begin == end:
        return 0, 0
    start_token = int(np.searchsorted(ends_N, begin, side="right"))
    end_token = int(np.searchsorted(starts_N, end, side="left")) - 1
    return window.first_token + start_token, window.first_token + max(end_token, start_token)


def decode(_spec: TaskSpec, split: EncodedSplit, outputs_E2T: NDArray[Any]) -> tuple[str, ...]:
    """The answer text of each question, "" for no answer."""
    score_E, start_E, end_E = _best_spans(split, outputs_E2T)
    item_E = np.asarray(split.item_of_example)
    order = np.lexsort((np.arange(len(item_E)), -score_E, item_E))
    _, first = np.unique(item_E[order], return_index=True)
    null_I = np.full(len(first), np.inf)
    np.minimum.at(null_I, item_E, outputs_E2T[:, 0, 0] + outputs_E2T[:, 1, 0])
    return tuple(
        "" if null > score_E[example] else _text(split.decoding[example], start_E[example], end_E[example])
        for example, null in zip(order[first], null_I, strict=True)
    )


def _best_spans(split: EncodedSplit, outputs_E2T: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Score, start and end token of the best span of each window, over all spans of at most `MAX_ANSWER_TOKENS`."""
    first_E = np.array([window.first_token for window in split.decoding])
    count_E = np.array([len(window.offsets_N2) for window in split.decoding])
    position_T = np.arange(outputs_E2T.shape[2])
    in_context_ET = (position_T >= first_E[:, None]) & (position_T < (first_E + count_E)[:, None])
    start_ET = np.where(in_context_ET, outputs_E2T[:, 0], -np.inf)
    end_ET = np.where(in_context_ET, outputs_E2T[:, 1], -np.inf)
    span_ET = start_ET + _maximum_ahead(end_ET, MAX_ANSWER_TOKENS)
    start_E = span_ET.argmax(axis=1)
    every = np.arange(len(outputs_E2T))
    ahead_EA = np.minimum(start_E[:, None] + np.arange(MAX_ANSWER_TOKENS), len(position_T) - 1)
    length_E = end_ET[every[:, None], ahead_EA].argmax(axis=1)
    return span_ET[every, start_E], start_E, ahead_EA[every, length_E]


def _maximum_ahead(values_ET: NDArray[Any], count: int) -> NDArray[Any]:
    """At each position the largest of the `count` values from there on, in log2(count) passes."""
    best_ET, covered = values_ET.copy(), 1
    while covered < count:
        step = min(covered, count - covered)
        best_ET[:, :-step] = np.maximum(best_ET[:, :-step], best_ET[:, step:])
        covered += step
    return best_ET


def _text(window: ContextWindow, start: int, end: int) -> str:
    first, last = start - window.first_token, end - window.first_token
    return window.context[window.offsets_N2[first, 0] : window.offsets_N2[last, 1]]
