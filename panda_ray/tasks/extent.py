"""How much there is to compute on a task, estimated from a few of its rows without a tokenizer.

Planning uses it until a first training has counted the tokens. Words are what blanks separate; `TOKENS_PER_WORD` is
what WordPiece makes of them in English.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from panda_ray.tasks.task import Row, TaskSpec

TOKENS_PER_WORD = 1.3
_SPECIAL_TOKENS = 3
_SAMPLED_ROWS = 64


@dataclass(frozen=True)
class Extent:
    """Rows of a task, and the lengths of some of its texts.

    Attributes:
        train_rows, dev_rows: rows of the data set; some kinds make several examples of one.
        rows_per_example: encoded rows; more than one where choices are compared.
        texts_per_row: encoded texts that a row of the data set gives, windows of long contexts not counted.
        words: of sampled texts, in the first and in the second segment.
        windowed: a context that is too long is read in windows instead of being cut.
    """

    train_rows: int
    dev_rows: int
    rows_per_example: int
    texts_per_row: float
    words: tuple[tuple[int, int], ...]
    windowed: bool = False

    def examples_per_row(self, max_len: int) -> float:
        """Training examples that a row of the data set gives."""
        windows = fmean(self._windows(*pair, max_len) for pair in self.words) if self.windowed else 1.0
        return self.texts_per_row * windows / self.rows_per_example

    def tokens_per_row(self, max_len: int) -> float:
        """Tokens of an encoded row, special ones included."""
        return fmean(min(_tokens(first + second), max_len) for first, second in self.words)

    def _windows(self, question: int, context: int, max_len: int) -> int:
        """Windows of a context: the question takes at most half of each, a quarter overlaps with the one before."""
        kept = min(_tokens(question), max_len // 2)
        left = _tokens(context) - (max_len - kept)
        return 1 if left <= 0 else 1 + -(-left // max(1, max_len - kept - max_len // 4))


def extent_of(spec: TaskSpec, train: Sequence[Row], dev: Sequence[Row]) -> Extent:
    """Count the rows of a task and the words of evenly spaced ones."""
    step = max(1, len(train) // _SAMPLED_ROWS)
    texts = [spec.kind.texts(spec, row) for row in train[::step][:_SAMPLED_ROWS]]
    return Extent(
        train_rows=len(train),
        dev_rows=len(dev),
        rows_per_example=spec.kind.rows_per_example(len(texts[0])),
        texts_per_row=fmean(len(each) for each in texts),
        words=tuple((_words(first), _words(second or "")) for each in texts for first, second in each),
        windowed=spec.kind.windowed,
    )


def nominal_extent(spec: TaskSpec, train_rows: int) -> Extent:
    """A stand-in for a task whose rows are not here: texts of ordinary length, a tenth of the rows to evaluate on."""
    kind = spec.kind
    return Extent(train_rows, max(1, train_rows // 10), 1, 1.0, (kind.nominal_words,), kind.windowed)


def _words(text: str) -> int:
    return len(text.split())


def _tokens(words: int) -> int:
    return round(words * TOKENS_PER_WORD) + _SPECIAL_TOKENS
