"""Tagging: the first sub-token of each word carries the word's tag (NER, SRL).

Words are joined by blanks and found again by character offsets, so that any fast tokenizer serves; semantic role
labelling appends [SEP] and the predicate, in segment 0 like the words, as the released code does. A word that
truncation cut off, or of which the tokenizer keeps nothing, still counts in the reference and is predicted as "O".

Shape letters: S members, B examples of a step, E examples, T tokens, C tags, N tokens of the sentence (first segment),
W words of a row that have a token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from panda_ray.tasks.kinds.kind import IGNORED, TaskKind, softmax
from panda_ray.tasks.kinds.labelled import Labelled
from panda_ray.tasks.kinds.labels import code_complaint, coder, shown
from panda_ray.tasks.kinds.own import own_cells, own_templates
from panda_ray.tasks.kinds.own.own_columns import OwnColumns
from panda_ray.tasks.kinds.token_rows import Texts, TokenRows, columns, encodings, pad_rows

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.tasks.encoded import EncodedSplit
    from panda_ray.tasks.task import Row, TaskSpec

_SEGMENT = 0
"""Of every token, the appended predicate's too."""
_OUTSIDE = "O"


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


class Tagging(TaskKind):
    """The first template gives a row's words; a label is the list of their tags' codes, a prediction that of names."""

    name = "tagging"
    answer = "the largest output of a word's first token names its tag, in the order of the labels"
    own_columns = OwnColumns(
        ("span_f1",),
        own_templates.words,
        own_cells.tags,
        texts=own_cells.with_words,
        takes=("labels",),
        single=("text",),
    )
    head_names_labels = True
    must_vary = True
    holds_lists = True
    schedule = "exponential"
    token_dim = 2

    def normal_label(self, spec: TaskSpec) -> Callable[[Any], Any]:
        return coder(spec)

    def complaint(self, spec: TaskSpec, row: Row) -> str | None:
        words, tags = self._words(spec, row), row[spec.label_column]
        if not isinstance(words, list):
            return f"column {spec.columns[0]!r}: {shown(words)} is one text; a list of words is wanted"
        if not isinstance(tags, list):
            return f"{shown(tags)} is no list; every word needs a tag"
        if not words:
            return "the row has no words"
        if len(tags) != len(words):
            return f"{len(tags)} tags for {len(words)} words; every word needs one"
        return next((complaint for tag in tags if (complaint := code_complaint(spec, tag))), None)

    def placeholder(self, spec: TaskSpec, row: Row) -> list[int]:
        return [0] * len(self._words(spec, row))

    def values(self, label: Any) -> Sequence[Any]:
        tags: Sequence[Any] = label
        return tags

    def value_name(self, spec: TaskSpec, value: Any) -> str:
        return str(spec.labels[value])

    def texts(self, spec: TaskSpec, row: Row) -> Texts:
        return [(" ".join(self._words(spec, row)), None if spec.second is None else spec.second(row))]

    def reference(self, spec: TaskSpec, row: Row) -> Any:
        """The tags by name."""
        return [spec.labels[code] for code in row[spec.label_column]]

    def encode(self, spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, max_len: int) -> EncodedSplit:
        """One example and one item per row."""
        texts, predicates = columns([text for row in rows for text in self.texts(spec, row)])
        token_rows, labels, decoding = TokenRows(), [], []
        encoded = encodings(tokenizer, texts, predicates, max_len, "longest_first")
        for row, encoding in zip(rows, encoded, strict=True):
            token_rows.append(encoding.ids, [_SEGMENT] * len(encoding.ids))
            found = _first_tokens(self._words(spec, row), encoding)
            label_T = np.full(len(encoding.ids), IGNORED, dtype=np.int64)
            label_T[found.token_W] = np.asarray(row[spec.label_column], dtype=np.int64)[found.word_W]
            labels.append(label_T)
            decoding.append(found)
        lengths_R = np.array([len(label_T) for label_T in labels], dtype=np.int64)
        return token_rows.as_split(
            tokenizer,
            labels=pad_rows(labels, lengths_R, IGNORED),
            references=tuple(self.reference(spec, row) for row in rows),
            decoding=decoding,
        )

    def _words(self, spec: TaskSpec, row: Row) -> Any:
        assert spec.first is not None, f"task {spec.name} has no template for its words"
        return spec.first(row)

    def pack_decoding(self, decoding: Sequence[TaggedWords]) -> pa.StructArray:
        columns = {
            "words": pa.array([found.words for found in decoding]),
            "word_W": pa.array([found.word_W for found in decoding]),
            "token_W": pa.array([found.token_W for found in decoding]),
        }
        return pa.StructArray.from_arrays(list(columns.values()), list(columns))

    def unpack_decoding(self, column: pa.StructArray) -> tuple[TaggedWords, ...]:
        found = (field.to_numpy(zero_copy_only=False) for field in column.flatten())
        return tuple(TaggedWords(int(words), word_W, token_W) for words, word_W, token_W in zip(*found, strict=True))

    def labelled(self, split: EncodedSplit, example_B: NDArray[np.int64], seed: int) -> Labelled:
        """Every word, at its first token, with its tag."""
        label_BT = split.labels.cpu().numpy()[example_B]
        example_X, token_X = np.nonzero(label_BT != IGNORED)
        return Labelled(example_X, token_X, label_BT[example_X, token_X])

    def output_size(self, spec: TaskSpec) -> int:
        return len(spec.labels)

    def outputs(self, output_SXC: Tensor, rows_per_example: int, lengths_R: Tensor | None) -> Tensor:
        """Logits of every token's tags, (S, B, T, C)."""
        assert lengths_R is not None, "the head reads every token"
        members, _, tags = output_SXC.shape
        return output_SXC.reshape(members, len(lengths_R) // members, -1, tags)

    def kept(self, outputs: Tensor) -> Tensor:
        """The code of every token's best tag, (S, B, T): logits of a whole dev set would not fit into memory."""
        return outputs.argmax(dim=-1)

    def decode(self, spec: TaskSpec, split: EncodedSplit, kept_E: NDArray[Any]) -> tuple[list[str], ...]:
        """Tag names, one per word of the row, from codes (E, T)."""
        names = np.array(spec.labels, dtype=object)
        return tuple(_word_tags(names, found, tags_T) for found, tags_T in zip(split.decoding, kept_E, strict=True))

    def probabilities(self, spec: TaskSpec, split: EncodedSplit, outputs_E: NDArray[Any]) -> tuple[Any, ...]:
        """Of each word's predicted tag, from logits (E, T, C); None for words without a token."""
        best_ET = softmax(outputs_E).max(axis=-1)
        return tuple(_word_values(found, best_T) for found, best_T in zip(split.decoding, best_ET, strict=True))


def _first_tokens(words: Sequence[str], encoding: Any) -> TaggedWords:
    """The first token of every word, by the characters that the token covers."""
    if not words:
        return TaggedWords(0, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    offsets_T2 = np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    token_N = np.flatnonzero([segment == 0 for segment in encoding.sequence_ids])
    word_ends = np.cumsum([len(word) + 1 for word in words]) - 1
    # By the last character of a token: byte-level tokenizers count the blank before a word to it. A blank that is a
    # token of its own covers nothing and begins where its word does.
    character_N = np.maximum(offsets_T2[token_N, 1] - 1, offsets_T2[token_N, 0])
    word_N = np.searchsorted(word_ends, np.minimum(character_N, word_ends[-1] - 1), side="right")
    word_W, first_W = np.unique(word_N, return_index=True)
    return TaggedWords(len(words), word_W, token_N[first_W])


def _word_tags(names: NDArray[np.object_], found: TaggedWords, tags_T: NDArray[Any]) -> list[str]:
    tags = np.full(found.words, _OUTSIDE, dtype=object)
    tags[found.word_W] = names[tags_T[found.token_W]]
    result: list[str] = tags.tolist()
    return result


def _word_values(found: TaggedWords, value_T: NDArray[np.float64]) -> list[float | None]:
    values: list[float | None] = [None] * found.words
    for word, value in zip(found.word_W.tolist(), value_T[found.token_W].tolist(), strict=True):
        values[word] = value
    return values


TAGGING = Tagging()
