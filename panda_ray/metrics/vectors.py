"""Cosine similarity of two embeddings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Cosine of two vectors of any shape, in [-1, 1]; 0 where one of them is zero."""
    a64, b64 = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    norm = float(np.linalg.norm(a64) * np.linalg.norm(b64))
    return float(np.clip(a64 @ b64 / norm, -1.0, 1.0)) if norm > 0 else 0.0
