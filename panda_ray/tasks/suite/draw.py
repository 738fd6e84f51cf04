"""Random draws of the built-in suite, the same on every machine and Python version.

Only `random.Random.random()` is used: it is the one method whose sequence Python documents as stable across versions.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """A seeded stream of choices; `name` is any string."""

    def __init__(self, name: str) -> None:
        self._random = random.Random(name).random

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random() < probability

    def below(self, limit: int) -> int:
        """A number in 0 ... limit - 1."""
        return int(self._random() * limit)

    def one(self, items: Sequence[T]) -> T:
        """One of `items`, all equally likely."""
        return items[self.below(len(items))]

    def other(self, items: Sequence[T], *taken: T) -> T:
        """One of `items` that is none of `taken`."""
        return self.one([item for item in items if item not in taken])

    def several(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different ones of `items`, in random order."""
        pool = list(items)
        for place in range(count):  # the head of a Fisher-Yates shuffle
            taken = place + self.below(len(pool) - place)
            pool[place], pool[taken] = pool[taken], pool[place]
        return pool[:count]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All of `items` in random order."""
        return self.several(items, len(items))
