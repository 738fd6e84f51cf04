"""What a task is: its rows, its texts, its head, its score and its published hyper-parameters.

A `TaskSpec` is data. `encoding.py` turns it and a tokenizer into tensors, `loading.py` finds its rows, `scoring.py`
turns predictions into a score. To add a data set, write one literal and register it in `tasks/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Row = Mapping[str, Any]
"""One published example, column name to value, as the Hub's Parquet files hold it."""

Kind = Literal[
    "classification",  # one of C classes from the pooled vector
    "regression",  # one number from the pooled vector
    "multiple_choice",  # K encoded choices, one score each, softmax over the choices
    "tagging",  # one of C tags for the first sub-token of each word (NER, SRL)
    "extractive_qa",  # start and end token of the answer, position 0 means "no answer"
    "candidate_ranking",  # binary per candidate; the best candidate of a query is its answer (ReCoRD)
]

SizeClass = Literal["small", "large"]


@dataclass(frozen=True)
class HubOrigin:
    """Parquet files of a Hub repository at a pinned revision."""

    repository: str
    revision: str
    train: str
    """Path of the training Parquet file(s) inside the repository; a glob is allowed."""
    validation: str
    adapt: Callable[[Row], dict[str, Any]] | None = None
    """Turns a row of the repository into one with the task's columns, where they differ."""


@dataclass(frozen=True)
class BuiltinOrigin:
    """Rows that the project generates by itself: `generate(split, task)` is deterministic."""

    generate: Callable[[str], list[dict[str, Any]]]
    """Takes "train" or "validation" and returns that split's rows."""


@dataclass(frozen=True)
class UserOrigin:
    """A licensed set that only the user can bring; `reason` says who distributes it."""

    reason: str


Origin = HubOrigin | BuiltinOrigin | UserOrigin


@dataclass(frozen=True)
class Hyperparameters:
    """One row of Table I: learning rate, batch size in examples, epochs."""

    lr: float
    batch_size: int
    epochs: int


@dataclass(frozen=True)
class TaskSpec:
    """One task of the study.

    `first` and `second` build the text (and its pair) of a row. For multiple choice they return one text per choice;
    for tagging `first` returns the words; for candidate ranking `second` maps each candidate to the query with that
    candidate filled in. A template may raise `InputError("column ...: ...")` for a value that it cannot use.
    """

    name: str
    group: str
    """Group of the heat maps: nli, semantic_matching, qa, ner, srl, other, or a group of the built-in suite."""
    kind: Kind
    metric: str
    """Name of a task metric in `tasks/measures/scores.py`."""
    origin: Origin
    hyperparameters: Hyperparameters
    train_rows: int
    """Published number of training rows; decides the size class."""
    columns: tuple[str, ...]
    """Columns that must exist and must not be null."""
    labels: tuple[str, ...] = ()
    """Names of the classes or tags, in the order of their codes; empty for regression and extractive QA."""
    first: Callable[[Row], Any] | None = None
    second: Callable[[Row], Any] | None = None
    label_column: str = "label"
    label_range: tuple[float, float] | None = None
    """Least and greatest label of a regression task, both allowed; None for any number."""
    template_version: int = 1
    """Raise it when the texts that the templates make change: it enters every key."""
    is_source: bool = True
    is_target: bool = False
    note: str = field(default="", compare=False)

    @property
    def size_class(self) -> SizeClass:
        """Small tasks have fewer than 20,000 published training rows (Sec. IV-A of the paper)."""
        return "small" if self.train_rows < 20_000 else "large"

    @property
    def output_size(self) -> int:
        """Outputs of the linear head per pooled vector (or per token)."""
        if self.kind in ("classification", "tagging", "candidate_ranking"):
            return len(self.labels)
        return 2 if self.kind == "extractive_qa" else 1

    @property
    def has_head_bias(self) -> bool:
        """Whether the head's bias can change anything.

        A softmax over choices, or over tokens, ignores what is added to all of them: such a bias has no gradient but
        rounding noise, which Adam would turn into a random walk that teachers compared by logits pass on.
        """
        return self.kind not in ("multiple_choice", "extractive_qa")
