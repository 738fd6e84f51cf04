"""Windows over a context: how a question and its context become rows, and where an answer lies in each.

Shape letters: N context tokens of a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.tasks.kinds.token_rows import encodings


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

    def text(self, start: int, end: int) -> str:
        """What stands from one token of the row to another, both included."""
        first, last = start - self.first_token, end - self.first_token
        return self.context[self.offsets_N2[first, 0] : self.offsets_N2[last, 1]]


def windows_of(
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


def window_of(context: str, encoding: Any) -> ContextWindow:
    """The part of a context that an encoded row holds."""
    context_tokens = _tokens(encoding, segment=1)
    if not context_tokens:
        return ContextWindow(context, 0, np.zeros((0, 2), dtype=np.int32))
    first, last = context_tokens[0], context_tokens[-1]
    return ContextWindow(context, first, np.asarray(encoding.offsets[first : last + 1], dtype=np.int32))


def answer_tokens(answers: dict[str, list[Any]], window: ContextWindow) -> tuple[int, int]:
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
