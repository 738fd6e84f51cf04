"""Embeddings of prompts as files, and the similarity of two of them: compared where needed, never stored."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.metrics import get_metric


def embedding_bytes(embedding: NDArray[np.float32]) -> bytes:
    """An embedding as a NumPy file."""
    buffer = io.BytesIO()
    np.save(buffer, embedding, allow_pickle=False)
    return buffer.getvalue()


def similarity_of(metric: str, options: Mapping[str, Any], source: bytes | None, target: bytes | None) -> float:
    """Predicted transferability of a pair, in [-1, 1].

    Args:
        metric, options: a name in `METRICS`, and the options that the embeddings were made with.
        source, target: embeddings as NumPy files; None for a metric without embeddings.

    Raises:
        LookupError: for bytes that are no embedding.
    """
    plugin = get_metric(metric)
    return plugin.similarity(_array(source), _array(target), plugin.Options.model_validate(dict(options)))


def _array(embedding: bytes | None) -> NDArray[np.float32] | None:
    return None if embedding is None else embedding_of(embedding)


def embedding_of(data: bytes) -> NDArray[np.float32]:
    """The inverse of `embedding_bytes`.

    Raises:
        LookupError: these bytes are no embedding.
    """
    try:
        array: NDArray[np.float32] = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError) as error:
        raise LookupError(f"this is no embedding: {error}") from error
    if not isinstance(array, np.ndarray) or array.dtype != np.float32 or not np.isfinite(array).all():
        raise LookupError("this is no embedding: not an array of finite float32")
    return array
