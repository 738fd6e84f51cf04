"""Embeddings as files, and the similarities of pairs: compared where needed, never stored."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import EMBEDDING_FILE
from panda_ray.execution.units.cells import Similarity
from panda_ray.execution.units.recipes import MetricRecipe
from panda_ray.metrics import get_metric

_PAIRS_AT_ONCE = 64


def embedding_bytes(embedding: NDArray[np.float32]) -> bytes:
    """An embedding as a NumPy file."""
    buffer = io.BytesIO()
    np.save(buffer, embedding, allow_pickle=False)
    return buffer.getvalue()


def compared(pairs: Sequence[Similarity], metrics: Mapping[str, MetricRecipe], store: Store) -> dict[Similarity, float]:
    """Predicted transferability of pairs whose embeddings are in the store; pairs whose are damaged are left out.

    Args:
        metrics: by label.
    """
    values: dict[Similarity, float] = {}
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        values |= _compared(pairs[start : start + _PAIRS_AT_ONCE], metrics, store)
    return values


def _compared(
    pairs: Sequence[Similarity], metrics: Mapping[str, MetricRecipe], store: Store
) -> dict[Similarity, float]:
    """Each embedding is read once for all of these pairs."""
    keys = {key for pair in pairs for key in (pair.source_key, pair.target_key) if key is not None}
    found = store.read_files([(key, EMBEDDING_FILE) for key in keys])
    embeddings: dict[str | None, bytes | None] = {None: None}
    embeddings |= {key: data for (key, _), data in found.items() if not isinstance(data, LookupError)}
    values: dict[Similarity, float] = {}
    for pair in pairs:
        recipe = metrics[pair.metric]
        with suppress(LookupError, ValueError):
            source, target = embeddings[pair.source_key], embeddings[pair.target_key]
            values[pair] = similarity_of(recipe.metric.name, recipe.options, source, target)
    return values


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
