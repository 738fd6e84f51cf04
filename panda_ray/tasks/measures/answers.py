"""Answer F1 and exact match by the rules of SQuAD 2.0's official evaluation, which ReCoRD shares.

Answers are compared in lower case, without punctuation, articles and superfluous blanks; F1 is that of the bags of
words; the best of the accepted answers counts. No accepted answer means that the right answer is "".
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from panda_ray.tasks.measures.measure import (
    Measure,
    Statistics,
    by_sums,
    first_of_item,
    first_over_items,
    mean_of_first,
)

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


@lru_cache(maxsize=1 << 17)
def normalised_words(answer: str) -> tuple[str, ...]:
    """The words that are compared. Cached: the accepted answers are the same at every evaluation."""
    return tuple(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def word_f1(predicted: tuple[str, ...], accepted: tuple[str, ...]) -> float:
    """F1 of two bags of words; if one is empty, 1 where both are and 0 otherwise."""
    if not predicted or not accepted:
        return float(predicted == accepted)
    common = sum((Counter(predicted) & Counter(accepted)).values())
    return 2 * common / (len(predicted) + len(accepted))


def _best_match(predicted: str, answers: Sequence[str]) -> tuple[float, float]:
    """(F1, exact match) against the best accepted answer; answers that normalise to nothing do not count."""
    words = normalised_words(predicted)
    accepted = [answer for answer in map(normalised_words, answers) if answer] or [()]
    return max(word_f1(words, answer) for answer in accepted), float(words in accepted)


def _matches(values: Sequence[str], references: Sequence[dict[str, Any]]) -> Statistics:
    """Per question: F1 and exact match."""
    rows = [_best_match(value, reference["answers"]) for value, reference in zip(values, references, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


ANSWER_F1 = Measure(_matches, mean_of_first, by_sums(first_over_items), first_of_item, "F1 of its answer")
