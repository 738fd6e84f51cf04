"""Which GPU holds which layer of a backbone that is spread over several; known without torch, for planning asks, too.

Layers lie in contiguous blocks in the order of the GPUs, so that hidden states move once per border. Everything else
(embeddings, final norms, pooler, heads, what is trained and its optimiser) is on the first, which has a layer at least.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache


def spread(rest: float, layers: Sequence[float], room: Sequence[float]) -> tuple[int, ...]:
    """The GPU of each layer, so that the fullest one is as empty as it can be, in proportion to its room.

    Of equal ways that which fills the first GPUs. GPUs may be left without a layer, where there are more than layers.

    Args:
        rest: bytes of what is no layer.
        layers: bytes of each.
        room: bytes that each GPU has.
    """
    before = [sum(layers[:count]) for count in range(len(layers) + 1)]

    @cache
    def best(first: int, gpu: int) -> tuple[float, tuple[int, ...]]:
        """The fullest share, and how many layers each GPU from this one on has, of those from `first` on."""
        own = rest if gpu == 0 else 0.0
        if gpu == len(room) - 1:
            return (own + before[-1] - before[first]) / room[gpu], (len(layers) - first,)
        ways = []
        for end in range(len(layers), first - (gpu > 0), -1):
            fullest, counts = best(end, gpu + 1)
            ways.append((max(fullest, (own + before[end] - before[first]) / room[gpu]), (end - first, *counts)))
        return min(ways, key=lambda way: way[0])

    _, counts = best(0, 0)
    return tuple(gpu for gpu, count in enumerate(counts) for _ in range(count))
