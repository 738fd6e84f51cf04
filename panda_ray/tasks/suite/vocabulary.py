"""The vocabulary of the built-in tokenizer: every word of the suite, and letters to spell all others."""

from __future__ import annotations

import string

from panda_ray.tasks.suite.corpus import documents
from panda_ray.tasks.suite.lexicon import LEXICON

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def function_words() -> tuple[str, ...]:
    """English words and punctuation of the sentences, found in a sample of the pre-training text."""
    sample = (f"{first} {second}" for sort in documents("function words", 10_000) for first, second in sort)
    found = {word for text in sample for word in text.split()}
    return tuple(sorted(found - set(LEXICON.words) - set(string.punctuation)))


def vocabulary() -> tuple[str, ...]:
    """All pieces in the order of their codes."""
    characters = (*string.punctuation, *string.digits, *string.ascii_lowercase)
    spelling = (*characters, *(f"##{character}" for character in (*string.digits, *string.ascii_lowercase)))
    words = tuple(word for word in (*function_words(), *LEXICON.words) if word not in spelling)
    return (*SPECIAL, *spelling, *words)
