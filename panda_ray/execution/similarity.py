"""Signatures of prompts in a store, and the similarity of two of them: compared where needed, never stored."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from panda_ray.execution.store import Store
from panda_ray.metrics import get_metric

SIGNATURE_FILE = "signature.npy"


def signature_bytes(signature: NDArray[np.float32]) -> bytes:
    """A signature as a NumPy file."""
    buffer = io.BytesIO()
    np.save(buffer, signature, allow_pickle=False)
    return buffer.getvalue()


def pair_similarity(store: Store, metric: str, source_key: str | None, target_key: str | None) -> float:
    """Predicted transferability of a pair, in [-1, 1], under the options that its signatures were made with.

    Args:
        metric: a name in `METRICS`.
        source_key, target_key: signature units that are done; None for a metric without signatures.

    Raises:
        LookupError: for a signature that is not in the store, or is damaged.
    """
    plugin = get_metric(metric)
    if source_key is None or target_key is None:
        return plugin.similarity(None, None, plugin.Options())
    options = plugin.Options.model_validate(store.known(source_key)["identity"]["options"])
    return plugin.similarity(_signature(store, source_key), _signature(store, target_key), options)


def _signature(store: Store, key: str) -> NDArray[np.float32]:
    return signature_of(store.read_file(key, SIGNATURE_FILE))


def signature_of(data: bytes) -> NDArray[np.float32]:
    """The inverse of `signature_bytes`.

    Raises:
        LookupError: these bytes are no signature.
    """
    try:
        array: NDArray[np.float32] = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError) as error:
        raise LookupError(f"this is no signature: {error}") from error
    if not isinstance(array, np.ndarray) or array.dtype != np.float32 or not np.isfinite(array).all():
        raise LookupError("this is no signature: not an array of finite float32")
    return array
