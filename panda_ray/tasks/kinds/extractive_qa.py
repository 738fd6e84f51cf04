"""Extractive question answering: sliding windows over the context, start and end token, position 0 for "no answer".

A question's windows are its examples and share one item. The spans of a window are scored as start + end logit, as in
the BERT paper; a question has no answer where its best span scores below the smallest "no answer" score of its windows.

Shape letters: S members, B examples of a step, E examples (windows), T tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from panda_ray.seeding import derive_seed
from panda_ray.tasks.kinds.kind import PADDING_LOGIT, TaskKind, softmax
from panda_ray.tasks.kinds.labelled import Labelled
from panda_ray.tasks.kinds.own import own_cells, own_templates
from panda_ray.tasks.kinds.own.own_columns import OwnColumns
from panda_ray.tasks.kinds.spans.best_answers import best_answers
from panda_ray.tasks.kinds.spans.context_windows import ContextWindow, answer_tokens, window_of, windows_of
from panda_ray.tasks.kinds.spans.given_answers import ANSWER_FIELDS, as_struct_of_lists, complaint
from panda_ray.tasks.kinds.token_rows import TokenRows, columns, segment_ids

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.tasks.encoded import EncodedSplit
    from panda_ray.tasks.task import Row, TaskSpec


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
        return as_struct_of_lists

    def complaint(self, spec: TaskSpec, row: Row) -> str | None:
        assert spec.second is not None, f"task {spec.name} has no template for its context"
        return complaint(row[spec.label_column], spec.second(row))

    def placeholder(self, spec: TaskSpec, row: Row) -> dict[str, list[Any]]:
        return {field: [] for field in ANSWER_FIELDS}

    def value_name(self, spec: TaskSpec, value: Any) -> str:
        return "answerable" if value["text"] else "unanswerable"

    def reference(self, spec: TaskSpec, row: Row) -> Any:
        """The accepted answers."""
        return {"answers": list(row[spec.label_column]["text"])}

    def encode(self, spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, max_len: int) -> EncodedSplit:
        """One example per window, one item per question.

        A question keeps at most half of `max_len`; a window shares with the one before it half of the context tokens
        that such a question leaves room for (30 of 128 tokens for BERT).
        """
        questions, contexts = columns([text for row in rows for text in self.texts(spec, row)])
        assert contexts is not None, f"task {spec.name} has no template for its context"
        token_rows, labels, items, decoding = TokenRows(), [], [], []
        for item, encoding in windows_of(questions, contexts, tokenizer, max_len):
            window = window_of(contexts[item], encoding)
            token_rows.append(encoding.ids, segment_ids(tokenizer, encoding))
            labels.append(answer_tokens(rows[item][spec.label_column], window))
            items.append(item)
            decoding.append(window)
        return token_rows.as_split(
            tokenizer,
            labels=np.asarray(labels, dtype=self.label_type),
            references=tuple(self.reference(spec, row) for row in rows),
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
            "" if not end else split.decoding[example].text(start, end)
            for example, start, end in best_answers(split, kept_E)
        )

    def probabilities(self, spec: TaskSpec, split: EncodedSplit, outputs_E: NDArray[Any]) -> tuple[Any, ...]:
        """Of each answer: that it starts and that it ends where it does, in its window; "no answer" is at token 0."""
        share_E2T = softmax(outputs_E)
        return tuple(
            float(share_E2T[example, 0, start] * share_E2T[example, 1, end])
            for example, start, end in best_answers(split, outputs_E)
        )


EXTRACTIVE_QA = ExtractiveQA()
