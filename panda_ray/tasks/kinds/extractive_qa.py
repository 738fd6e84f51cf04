"""Extractive question answering: sliding windows over the context, start and end token, position 0 for "no answer".

A question's windows are its examples and share one item. The spans of a window are scored as start + end logit, as in
the BERT paper; a question has no answer where its best span scores below the smallest "no answer" score of its windows.

Shape letters: S members, B examples of a step, E examples (windows), T tokens, N context tokens of a window,
A = `MAX_ANSWER_TOKENS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from panda_ray.seeding import derive_seed
from panda_ray.tasks.kinds.kind import PADDING_LOGIT, TaskKind, softmax
from panda_ray.tasks.kinds.labelled import Labelled
from panda_ray.tasks.kinds.labels import holds_null, shown
from panda_ray.tasks.kinds.own import own_cells, own_templates
from panda_ray.tasks.kinds.own.own_columns import OwnColumns
from panda_ray.tasks.kinds.token_rows import TokenRows, columns, encodings, segment_ids

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.tasks.encoded import EncodedSplit
    from panda_ray.tasks.task import Row, TaskSpec

ANSWER_FIELDS = ("text", "answer_start")
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


class ExtractiveQA(TaskKind):
    """The templates give question and context; a label is a struct of answer texts and of their first characters.

    An unanswerable question has none; a prediction is a text, "" for no answer.
    """

    name = "extractive_qa"
    answer = "the two outputs of a token say that the answer starts and ends there; both at token 0 is no answer"
    own_columns = OwnColumns(
        ("squad_f1",),
        own_templates.asked_of_context,
        own_cells.answers,
        needs=("pair",),
        takes=("pair",),
        single=("pair",),
    )
    has_label_names = False
    windowed = True
    nominal_words = (10, 120)
    schedule = "exponential"
    token_dim = 3
    padding = PADDING_LOGIT
    has_head_bias = False

    def normal_label(self, spec: TaskSpec) -> Callable[[Any], Any]:
        return _as_struct_of_lists

    def complaint(self, spec: TaskSpec, row: Row) -> str | None:
        assert spec.second is not None, f"task {spec.name} has no template for its context"
        answers = row[spec.label_column]
        if not isinstance(answers, dict):
            return f"{shown(answers)} is of type {type(answers).__name__}; {' and '.join(ANSWER_FIELDS)} are wanted"
        texts, starts = (answers[field] for field in ANSWER_FIELDS)
        if holds_null(texts) or holds_null(starts):
            return "an answer is null; an unanswerable question has empty lists"
        if not isinstance(texts, list) or not isinstance(starts, list):
            return f"{shown(texts)} at {shown(starts)}: two lists are wanted, of texts and of their starts"
        if len(texts) != len(starts):
            return f"{len(texts)} answer texts but {len(starts)} answer starts"
        context = spec.second(row)
        places = zip(texts, starts, strict=True)
        return next((found for text, start in places if (found := _place_complaint(context, text, start))), None)

    def placeholder(self, spec: TaskSpec, row: Row) -> dict[str, list[Any]]:
        return {field: [] for field in ANSWER_FIELDS}

    def value_name(self, spec: TaskSpec, value: Any) -> str:
        return "answerable" if value["text"] else "unanswerable"

    def encode(self, spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, max_len: int) -> EncodedSplit:
        """One example per window, one item per question.

        A question keeps at most half of `max_len`; a window shares with the one before it half of the context tokens
        that such a question leaves room for (30 of 128 tokens for BERT).
        """
        questions, contexts = columns([text for row in rows for text in self.texts(spec, row)])
        assert contexts is not None, f"task {spec.name} has no template for its context"
        token_rows, labels, items, decoding = TokenRows(), [], [], []
        for item, encoding in _windows(questions, contexts, tokenizer, max_len):
            window = _window(contexts[item], encoding)
            token_rows.append(encoding.ids, segment_ids(tokenizer, encoding))
            labels.append(_answer_tokens(rows[item][spec.label_column], window))
            items.append(item)
            decoding.append(window)
        return token_rows.as_split(
            tokenizer,
            labels=np.asarray(labels, dtype=self.label_type),
            references=tuple({"answers": list(row[spec.label_column]["text"])} for row in rows),
            item_of_example=items,
            decoding=decoding,
        )

    def pack_decoding(self, decoding: Sequence[ContextWindow]) -> pa.StructArray:
        columns = {
            "context": pa.array([window.context for window in decoding]).dictionary_encode(),
            "first_token": pa.array([window.first_token for window in decoding]),
            "offsets": pa.array([window.offsets_N2.ravel() for window in decoding]),
        }
        return pa.StructArray.from_arrays(list(columns.values()), list(columns))

    def unpack_decoding(self, column: pa.StructArray) -> tuple[ContextWindow, ...]:
        context, first_token, offsets = column.flatten()
        contexts = context.dictionary.to_pylist()  # one object for all windows of a context
        return tuple(
            ContextWindow(contexts[number], first, flat.reshape(-1, 2))
            for number, first, flat in zip(
                context.indices.to_pylist(),
                first_token.to_pylist(),
                offsets.to_numpy(zero_copy_only=False),
                strict=True,
            )
        )

    def labelled(self, split: EncodedSplit, example_B: NDArray[np.int64], seed: int) -> Labelled:
        """The token at which each window's answer starts, 1, and another token of that row, 0.

        All others would be a hundred times as many, and where an answer ends follows from where it starts.
        """
        start_B = split.labels.cpu().numpy()[example_B, 0]
        length_B = split.lengths_R.cpu().numpy()[example_B]
        other_B = np.random.default_rng(derive_seed(seed, "other-tokens")).integers(0, length_B - 1)
        other_B += other_B >= start_B
        label_X = np.repeat(np.array([1, 0]), len(example_B))
        return Labelled(np.tile(np.arange(len(example_B)), 2), np.concatenate([start_B, other_B]), label_X)

    def output_size(self, spec: TaskSpec) -> int:
        return 2

    def outputs(self, output_SXC: Tensor, rows_per_example: int, lengths_R: Tensor | None) -> Tensor:
        """Start and end logits of every token, (S, B, 2, T), with `PADDING_LOGIT` where a row has ended."""
        import torch

        assert lengths_R is not None, "the head reads every token"
        members, examples = len(output_SXC), len(lengths_R) // len(output_SXC)
        output_SBT2 = output_SXC.reshape(members, examples, -1, 2)
        length = output_SBT2.shape[2]
        padding_RT = torch.arange(length, device=output_SXC.device) >= lengths_R.unsqueeze(1)
        padding_SB1T = padding_RT.reshape(members, examples, 1, length)
        return output_SBT2.transpose(2, 3).masked_fill(padding_SB1T, PADDING_LOGIT)

    def decode(self, spec: TaskSpec, split: EncodedSplit, kept_E: NDArray[Any]) -> tuple[str, ...]:
        """The answer text of each question, "" for no answer, from start and end logits (E, 2, T)."""
        return tuple(
            "" if not end else _text(split.decoding[example], start, end)
            for example, start, end in _answers(split, kept_E)
        )

    def probabilities(self, spec: TaskSpec, split: EncodedSplit, outputs_E: NDArray[Any]) -> tuple[Any, ...]:
        """Of each answer: that it starts and that it ends where it does, in its window; "no answer" is at token 0."""
        share_E2T = softmax(outputs_E)
        return tuple(
            float(share_E2T[example, 0, start] * share_E2T[example, 1, end])
            for example, start, end in _answers(split, outputs_E)
        )


def _as_struct_of_lists(label: Any) -> Any:
    """SQuAD's answers, however they are nested."""
    if isinstance(label, list) and all(isinstance(answer, dict) for answer in label):
        return {field: [answer.get(field) for answer in label] for field in ANSWER_FIELDS}
    return {field: label.get(field) for field in ANSWER_FIELDS} if isinstance(label, dict) else label


def _place_complaint(context: str, text: Any, start: Any) -> str | None:
    """An answer that its context does not hold where it says, case and blanks aside."""
    if not isinstance(text, str) or not text.strip():
        return f"answer {shown(text)} is no text"
    if isinstance(start, bool) or not isinstance(start, int):
        return f"answer {shown(text)} starts at {shown(start)}; a character's number is wanted"
    if context[max(0, start) :].startswith(text) and start >= 0:
        return None
    if not 0 <= start <= len(context) - len(text):
        return f"answer {shown(text)} at character {start} is outside the context of {len(context)} characters"
    if _bare(context[start:]).startswith(_bare(text)):
        return None
    elsewhere = context.find(text)
    hint = f"; it first occurs at {elsewhere}" if elsewhere >= 0 else "; it occurs nowhere in it"
    there = context[start : start + len(text)]
    return f"answer {shown(text)} is not at character {start} of the context, {shown(there)} is{hint}"


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()


def _windows(
    questions: Sequence[str], contexts: Sequence[str], tokenizer: Any, max_len: int
) -> Iterator[tuple[int, Any]]:
    """(item, encoding) of every window, questions in order."""
    room = max_len - tokenizer.num_special_tokens_to_add(pair=True)
    question_len = min(max_len // 2, room - 1)
    overlap = (room - question_len) // 2
    shortened = _shortened(tokenizer, questions, question_len)
    encoded = encodings(tokenizer, shortened, contexts, max_len, "only_second", stride=overlap)
    for item, encoding in enumerate(encoded):
        for window in (encoding, *encoding.overflowing):
            yield item, window


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


def _answers(split: EncodedSplit, outputs_E2T: NDArray[Any]) -> list[tuple[int, int, int]]:
    """Window, start and end token of each question's answer; (window, 0, 0) for none."""
    score_E, start_E, end_E = _best_spans(split, outputs_E2T)
    item_E = np.asarray(split.item_of_example)
    order = np.lexsort((np.arange(len(item_E)), -score_E, item_E))
    _, first = np.unique(item_E[order], return_index=True)
    null_I = np.full(len(first), np.inf)
    np.minimum.at(null_I, item_E, outputs_E2T[:, 0, 0] + outputs_E2T[:, 1, 0])
    return [
        (int(example), 0, 0) if null > score_E[example] else (int(example), int(start_E[example]), int(end_E[example]))
        for example, null in zip(order[first], null_I, strict=True)
    ]


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


EXTRACTIVE_QA = ExtractiveQA()
