"""What a task is: its rows, its texts, its head, its score and its published hyper-parameters.

A `TaskSpec` is data. `rows/` finds its rows, its kind turns them into tensors and outputs into predictions, `measures/`
turn those into a score. To add a data set, write one literal in `specs/` and register it in `tasks/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panda_ray.tasks.encoded import EncodedSplit
    from panda_ray.tasks.kinds import TaskKind

Row = Mapping[str, Any]
"""One published example, column name to value, as the Hub's Parquet files hold it."""

SizeClass = Literal["small", "large"]
Schedule = Literal["linear", "exponential"]
"""How a learning rate falls: to 0 over the training, or by a factor after each epoch."""


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


@dataclass(frozen=True)
class FileOrigin:
    """Files of a user's own, in any form that `rows/own/own_files.py` reads."""

    data: str
    """A file, a folder of files of one form, or such files on the Hub (`rows/own/hub_files.py`)."""
    dev: str | None
    """Likewise of the dev split; None for a part of `data`."""
    dev_share: float
    """Of the rows of `data`, of each class where there are classes."""
    dev_seed: int
    """Draws that part."""


Origin = HubOrigin | BuiltinOrigin | UserOrigin | FileOrigin


@dataclass(frozen=True)
class Hyperparameters:
    """One row of Table I: learning rate, batch size in examples, epochs."""

    lr: float
    batch_size: int
    epochs: int


@dataclass(frozen=True)
class TaskSpec:
    """One task of the study.

    `first` and `second` build the text (and its pair) of a row, in the form that the kind says. A template may raise
    `InputError("column ...: ...")` for a value that it cannot use.
    """

    name: str
    group: str
    """Group of the heat maps: nli, semantic_matching, qa, ner, srl, other, or a group of the built-in suite."""
    kind: TaskKind
    """What it asks, from `tasks/kinds/`, or a kind of your own."""
    measure: str
    """What turns outputs into the score: a name in `tasks/measures/scores.py`."""
    origin: Origin
    hyperparameters: Hyperparameters
    train_rows: int
    """Published number of training rows; decides the size class."""
    columns: tuple[str, ...]
    """Columns that must exist and must not be null."""
    labels: tuple[str, ...] = ()
    """Names of the classes or tags, in the order of their codes; empty where labels are no codes."""
    first: Callable[[Row], Any] | None = None
    second: Callable[[Row], Any] | None = None
    label_column: str = "label"
    label_range: tuple[float, float] | None = None
    """Least and greatest label where labels are numbers, both allowed; None for any number."""
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
        return self.kind.output_size(self)

    def encode(self, rows: Sequence[Row], tokenizer: Any, max_len: int) -> EncodedSplit:
        """One split of the task, as the tokenizer of a backbone sees it.

        Args:
            rows: as `load_rows` gives them (labels in normal form).
            tokenizer: a transformers fast tokenizer.
            max_len: tokens per row at the most, special tokens included.
        """
        return self.kind.encode(self, rows, tokenizer, max_len)

    def decode(self, split: EncodedSplit, kept_E: NDArray[Any]) -> tuple[Any, ...]:
        """One JSON value per item of a split: a class code, a number, a list of tag names or an answer text.

        Args:
            kept_E: (E, ...), what the task's kind keeps of the outputs for the split's examples.
        """
        if len(kept_E) != split.examples:
            raise ValueError(f"{len(kept_E)} outputs for the {split.examples} examples of task {self.name}")
        return self.kind.decode(self, split, kept_E)
