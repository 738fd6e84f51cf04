"""How much passes through a backbone at once, by the kind of device; known without torch, for memory depends on it."""

from __future__ import annotations

ROWS = {"cpu": 512, "cuda": 4096}
"""Rows per pass without gradients: wide enough to fill the device, small enough to stay in its caches."""
CHUNK_TOKENS = {"cpu": 4096, "cuda": 131072}
"""Tokens per training pass, and per block, unless one example is more: enough to fill the device, few enough for its
caches or its memory."""
