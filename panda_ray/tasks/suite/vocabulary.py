"""The vocabulary of the built-in tokenizer: every word of the suite, and letters to spell all others."""

from __future__ import annotations

import string
from functools import lru_cache

from panda_ray.tasks.suite.corpus import SAID_OF, SIGNS, documents
from panda_ray.tasks.suite.lexicon import KINDS, LEXICON

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def function_words() -> tuple[str, ...]:
    """English words and punctuation of the sentences, found in a sample of the pre-training text."""
    sample = documents("function words", 10_000)
    found = {word for document in sample for word in f"{document.first} {document.second}".split()}
    return tuple(sorted(found - set(LEXICON.words) - set(string.punctuation)))


@lru_cache(maxsize=1)
def vocabulary() -> tuple[str, ...]:
    """All pieces in the order of their codes."""
    characters = (*string.punctuation, *string.digits, *string.ascii_lowercase)
    spelling = (*characters, *(f"##{character}" for character in (*string.digits, *string.ascii_lowercase)))
    words = tuple(word for word in (*function_words(), *LEXICON.words) if word not in spelling)
    telling = (*KINDS, *SAID_OF.values(), *SIGNS.values())
    return (*SPECIAL, *spelling, *sorted(words, key=lambda word: word in telling or word in LEXICON.words))


@lru_cache(maxsize=1)
def content_from() -> int:
    """The first code of a word that tells something: all words of the lexicon, kinds, good and bad."""
    telling = (*KINDS, *SAID_OF.values(), *SIGNS.values())
    return min(vocabulary().index(word) for word in telling)
