"""What turns a model's outputs into predictions (`EncodedSplit.decoding`), as flat arrays and JSON.

Shape letters: E examples, F entries of all examples together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.tasks.kinds.extractive_qa import ContextWindow
from panda_ray.tasks.kinds.tagging import TaggedWords

Arrays = dict[str, NDArray[Any]]


def pack_readers(decoding: Sequence[Any]) -> tuple[Arrays, Any]:
    """Arrays and JSON data of the readers of one kind of task."""
    first = decoding[0] if decoding else None
    if isinstance(first, ContextWindow):
        contexts = {context: number for number, context in enumerate(dict.fromkeys(w.context for w in decoding))}
        return {
            "context_E": np.array([contexts[window.context] for window in decoding]),
            "first_E": np.array([window.first_token for window in decoding]),
            "count_E": np.array([len(window.offsets_N2) for window in decoding]),
            "offsets_F2": np.concatenate([window.offsets_N2 for window in decoding]),
        }, {"kind": "windows", "contexts": list(contexts)}
    if isinstance(first, TaggedWords):
        return {
            "words_E": np.array([found.words for found in decoding]),
            "count_E": np.array([len(found.word_W) for found in decoding]),
            "word_F": np.concatenate([found.word_W for found in decoding]),
            "token_F": np.concatenate([found.token_W for found in decoding]),
        }, {"kind": "words"}
    if first is None:
        return {}, {"kind": "none"}
    return {}, {"kind": "texts", "texts": list(decoding)}


def unpack_readers(arrays: Mapping[str, NDArray[Any]], described: Any, examples: int) -> tuple[Any, ...]:
    """What `pack_readers` was given."""
    kind = described["kind"]
    if kind == "windows":
        contexts = described["contexts"]
        offsets = _split(arrays, "offsets_F2")
        places = zip(arrays["context_E"].tolist(), arrays["first_E"].tolist(), offsets, strict=True)
        return tuple(ContextWindow(contexts[context], first, offsets_N2) for context, first, offsets_N2 in places)
    if kind == "words":
        found = zip(arrays["words_E"].tolist(), _split(arrays, "word_F"), _split(arrays, "token_F"), strict=True)
        return tuple(TaggedWords(words, word_W, token_W) for words, word_W, token_W in found)
    return tuple(described["texts"]) if kind == "texts" else (None,) * examples


def _split(arrays: Mapping[str, NDArray[Any]], name: str) -> list[NDArray[Any]]:
    """The part of each example."""
    return np.split(arrays[name], np.cumsum(arrays["count_E"])[:-1])
