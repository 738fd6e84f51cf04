"""Stacks that wait because other drivers are at work on their members, in a driver's process.

Everything else is tried first; then, every few seconds, the store is asked whether the others are done or gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace

from panda_ray.execution.planning.stack import Stack

LOOK_SECONDS = 2.0
"""Between two looks at the leases of others: one listing, and one small file for each stack that runs elsewhere."""


class Elsewhere:
    """Stacks that were handed out in vain.

    Args:
        taken: those of some keys that other drivers are at work on (`Leases.taken`).
        clock: seconds; replaced by tests.

    Attributes:
        stacks: that wait.
    """

    def __init__(
        self, taken: Callable[[Collection[str]], Collection[str]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._taken, self._clock = taken, clock
        self._next_look = 0.0
        self.stacks: list[Stack] = []

    def add(self, stack: Stack, held: Collection[str]) -> None:
        """Let the members of a stack that are held elsewhere wait; one that has a checkpoint keeps its members."""
        if not stack.continued:
            stack = replace(stack, members=tuple(unit for unit in stack.members if unit.key in held))
        if not self.stacks:
            self._next_look = self._clock() + LOOK_SECONDS
        self.stacks.append(stack)

    def returned(self) -> list[Stack]:
        """Stacks that may be tried now, because others finished or left what is in them."""
        if not self.stacks or self._clock() < self._next_look:
            return []
        taken = self._taken({unit.key for stack in self.stacks for unit in stack.todo})
        self._next_look = self._clock() + LOOK_SECONDS
        waiting, free = list[Stack](), list[Stack]()
        for stack in self.stacks:
            held = tuple(unit for unit in stack.todo if unit.key in taken)
            if stack.continued or not held:
                (waiting if held else free).append(stack)
                continue
            waiting.append(replace(stack, members=held))
            if left := tuple(unit for unit in stack.members if unit.key not in taken):
                free.append(replace(stack, members=left))
        self.stacks = waiting
        return free
