"""Independent random streams from one seed: each purpose has its own, so adding a stream never shifts another."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed for one purpose, stable across versions and platforms."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A CPU generator for one purpose; CPU, so that a GPU run starts from the same numbers."""
    import torch

    return torch.Generator().manual_seed(derive_seed(seed, *purpose))
