"""What one member gave on the dev set, and the two halves of it that the `honest` protocol keeps apart.

Shape letters: I items of the dev set, M statistics per item.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from panda_ray.seeding import generator


@dataclass(frozen=True)
class Evaluation:
    """One member on the dev set, in percent: all of it, its selecting half, its reported half."""

    score: float
    score_select: float
    score_report: float
    values: tuple[Any, ...]
    statistics_IM: NDArray[np.float64]


def selecting_half(items: int) -> NDArray[np.bool_]:
    """Mask (I,) of the dev items that select the epoch under the `honest` protocol; the same split for every unit."""
    half_I = np.zeros(items, dtype=bool)
    half_I[torch.randperm(items, generator=generator(0, "dev-halves"))[: items // 2].numpy()] = True
    return half_I
