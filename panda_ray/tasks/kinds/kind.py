"""What a kind of task is: its rows and labels, its tensors, its head's outputs, its loss, its predictions.

A task names its kind by the object (`TaskSpec.kind`), and nothing outside this folder asks which one that is. A new
kind is a subclass of `TaskKind` in a file of its own, here or in another package.

Torch is imported inside the functions that make or take tensors: planning checks rows and counts texts without it.

Shape letters: S members, B examples, E examples of a split, I items, R rows, X rows or tokens that a head reads,
T tokens, C outputs of the head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from panda_ray.tasks.kinds.labelled import Labelled
from panda_ray.tasks.kinds.own.own_columns import OwnColumns
from panda_ray.tasks.kinds.token_rows import Texts, encode_texts

if TYPE_CHECKING:
    from torch import Tensor

    from panda_ray.tasks.encoded import EncodedSplit
    from panda_ray.tasks.task import Row, Schedule, TaskSpec

IGNORED = -100
"""Label of a position that does not count."""
PADDING_LOGIT = -1e9
"""Logit of a padding token where a softmax runs over tokens."""


class TaskKind(ABC):
    """One kind of task. What is not overridden is that of one text (or pair) per row, read from its pooled vector."""

    name: str
    """For display; nothing is decided by it."""

    answer: str
    """How the outputs of a row become its prediction, for people who read them by themselves."""

    own_columns: OwnColumns | None = None
    """How rows of a user's own are read; None where they cannot be of this kind."""

    has_label_names: bool = True
    """Whether a task lists what its labels' codes mean (`TaskSpec.labels`)."""
    has_classes: bool = False
    """Whether an encoded example's label is a class, so that examples can be drawn evenly from the classes."""
    head_names_labels: bool = False
    """Whether the head's outputs of one place (the row, or a token) are logits of what labels that place may have."""
    must_vary: bool = False
    """Whether equal labels in a whole split teach nothing, or leave the score undefined."""
    holds_lists: bool = False
    """Whether a column of texts may hold lists of texts (words, candidates)."""
    label_type: type[np.generic] = np.int64

    windowed: bool = False
    """Whether a text that is too long is read in windows, each an example, instead of being cut."""
    nominal_words: tuple[int, int] = (15, 15)
    """Words of an ordinary text and its pair (about 40 tokens), where a task's rows are not here to be counted."""
    schedule: Schedule = "linear"
    """Of the learning rate, unless the sweep says another: NER, SRL and question answering decay per epoch, everything
    else linearly to 0 (Sec. IV-A of the paper)."""

    token_dim: int | None = None
    """Dimension of the outputs (S, B, ..., C) that runs over tokens; None where the head reads the pooled vector."""
    padding: float = 0.0
    """What outputs hold at tokens beyond a row's own."""
    has_head_bias: bool = True
    """Whether the head's bias can change anything.

    A softmax over choices, or over tokens, ignores what is added to all of them: such a bias has no gradient but
    rounding noise, which Adam would turn into a random walk that teachers compared by logits pass on.
    """
    has_softmax: bool = True
    """Whether the last dimension of the outputs holds logits; if not, distillation compares the numbers themselves, by
    squared error."""

    def __repr__(self) -> str:
        return f"<TaskKind {self.name}>"

    @property
    def reads_tokens(self) -> bool:
        """Whether the head reads every token instead of the pooled vector."""
        return self.token_dim is not None

    # -- rows ---------------------------------------------------------------------------------------------------------

    def normal_label(self, spec: TaskSpec) -> Callable[[Any], Any] | None:
        """Brings a label into the form that everything after reads, whatever its writer made of it; None if it is.

        What has no meaning stays as it is, for `complaint` to name.
        """
        return None

    @abstractmethod
    def complaint(self, spec: TaskSpec, row: Row) -> str | None:
        """What is wrong with a row's label, in normal form: a sentence, which may begin with another `column ...`."""

    def placeholder(self, spec: TaskSpec, row: Row) -> Any:
        """A label, in normal form, for a row that has none and is only read."""
        return 0

    def values(self, label: Any) -> Sequence[Any]:
        """What one label holds, to be counted."""
        return (label,)

    @abstractmethod
    def value_name(self, spec: TaskSpec, value: Any) -> str:
        """What `data check` calls one of `values`."""

    # -- texts and tensors --------------------------------------------------------------------------------------------

    def texts(self, spec: TaskSpec, row: Row) -> Texts:
        """The texts, with their pairs if the task has such, that a row is encoded as."""
        assert spec.first is not None, f"task {spec.name} has no template for its text"
        return [(spec.first(row), None if spec.second is None else spec.second(row))]

    def reference(self, spec: TaskSpec, row: Row) -> Any:
        """What is right for a row, a JSON value that a measure compares predictions with. Here: its label."""
        return row[spec.label_column]

    def rows_per_example(self, texts: int) -> int:
        """Encoded rows of an example, where a row of the data set gives so many texts."""
        return 1

    def encode(self, spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, max_len: int) -> EncodedSplit:
        """See `TaskSpec.encode`. Here: one example and one item per row."""
        texts = [text for row in rows for text in self.texts(spec, row)]
        references = tuple(self.reference(spec, row) for row in rows)
        return encode_texts(tokenizer, texts, max_len).as_split(
            tokenizer,
            labels=np.asarray(references, dtype=self.label_type),
            references=references,
            rows_per_example=self.rows_per_example(len(texts) // max(1, len(rows))),
        )

    def pack_decoding(self, decoding: Sequence[Any]) -> pa.Array:
        """`EncodedSplit.decoding` as a column, for a file. Here: of values that Arrow knows, or of none."""
        return pa.array(decoding)

    def unpack_decoding(self, column: pa.Array) -> tuple[Any, ...]:
        """The inverse of `pack_decoding`."""
        return tuple(column.to_pylist())

    def labelled(self, split: EncodedSplit, example_B: NDArray[np.int64], seed: int) -> Labelled:
        """What heads read of examples that has a label, and that label. Here: the pooled vector of each example.

        Args:
            seed: of what is drawn, where not everything is taken.
        """
        label_B = split.labels.cpu().numpy()[example_B]
        return Labelled(np.arange(len(example_B)), np.zeros(len(example_B), dtype=np.int64), label_B)

    # -- outputs ------------------------------------------------------------------------------------------------------

    @abstractmethod
    def output_size(self, spec: TaskSpec) -> int:
        """Outputs of the linear head per pooled vector, or per token."""

    def outputs(self, output_SXC: Tensor, rows_per_example: int, lengths_R: Tensor | None) -> Tensor:
        """What a head gave for its rows or tokens as outputs of examples, (S, B, ..., C).

        The last dimension is the one that a softmax runs over: classes, choices, tags, or the tokens where an answer
        may start or end. Where there is no softmax it holds one number.

        Args:
            lengths_R: tokens of each row, member-major, where the head reads every token.
        """
        return output_SXC

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Loss of each member (S,), summed over what counts. Here: cross entropy.

        Args:
            outputs: (S, B, ..., C).
            labels: (S, B, ...), `IGNORED` where nothing counts.
        """
        from torch.nn.functional import cross_entropy

        losses = cross_entropy(
            outputs.reshape(-1, outputs.shape[-1]), labels.reshape(-1), ignore_index=IGNORED, reduction="none"
        )
        return losses.reshape(len(outputs), -1).sum(dim=1)

    def kept(self, outputs: Tensor) -> Tensor:
        """What evaluation keeps of outputs (S, B, ..., C), tokens last if there is one per token."""
        return outputs

    @abstractmethod
    def decode(self, spec: TaskSpec, split: EncodedSplit, kept_E: NDArray[Any]) -> tuple[Any, ...]:
        """The predictions: one JSON value per item of the split.

        Args:
            kept_E: (E, ...), what `kept` gave for one member; all rows as long as the split's longest.
        """

    def named(self, spec: TaskSpec, prediction: Any) -> Any:
        """A prediction as people call it, a JSON value. Here: itself."""
        return prediction

    def probabilities(self, spec: TaskSpec, split: EncodedSplit, outputs_E: NDArray[Any]) -> tuple[Any, ...]:
        """How probable what may be predicted of each item is, as a JSON value; None where outputs are no logits.

        Args:
            outputs_E: (E, ..., C), the outputs of one member; all rows as long as the split's longest.
        """
        return (None,) * len(split.references)


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Probabilities over the last dimension."""
    raised = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
    return shares
