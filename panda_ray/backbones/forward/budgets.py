"""How much passes through a backbone at once, by the kind of device; known without torch, for memory depends on it."""

from __future__ import annotations

ROWS = {"cpu": 512, "cuda": 4096}
"""Rows per pass without gradients: wide enough to fill the device, small enough to stay in its caches."""
_HIDDEN = 1024
"""Hidden size up to which a pass has so many rows; of wider models it has fewer, and takes as much memory."""
CHUNK_TOKENS = {"cpu": 4096, "cuda": 131072}
"""Tokens per training pass, and per block, unless one example is more: enough to fill the device, few enough for its
caches or its memory."""


def rows_per_pass(device: str, hidden: int) -> int:
    """Rows of a pass without gradients through a model of that hidden size."""
    return max(1, ROWS[device] * _HIDDEN // max(hidden, _HIDDEN))
