"""Which examples a step sees.

Shape letters: S members, E examples of the split.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from panda_ray.seeding import generator


def epoch_order(seeds: Sequence[int], epoch: int, examples: int) -> Tensor:
    """Order of the examples in one epoch, (S, E) on the host: members with one seed see the same order.

    The order is a function of seed and epoch alone, so a resumed training needs no stored sampler.
    """
    orders = {seed: torch.randperm(examples, generator=generator(seed, "order", epoch)) for seed in set(seeds)}
    return torch.stack([orders[seed] for seed in seeds])
