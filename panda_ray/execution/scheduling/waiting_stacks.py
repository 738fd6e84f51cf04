"""Stacks that wait, and what of them is ready: the graph of a plan while its units end, and while it grows.

A stack is ready when everything that its members depend on is done. A unit that ended without a result blocks the units
that depend on it, which leave their stacks; their neighbours go on.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from panda_ray.execution.planning.packing import shared
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.shapes.critical_path import dependents
from panda_ray.execution.units.unit import Unit


class WaitingStacks:
    """By numbers, which rise with each stack that is added; of two with one rank the lower number is first.

    Args:
        rank: of members; whoever has the highest one is first.
        left: hears of members that wait no more, though they were not handed out.

    Attributes:
        changed: whether a stack has come to have members that are ready and members that are not; whoever has looked
            at those clears it.
    """

    def __init__(self, rank: Callable[[Sequence[Unit]], float], left: Callable[[Sequence[Unit]], None]) -> None:
        self._rank, self._left = rank, left
        self.changed = False
        self._done: set[str] = set()
        self._lost: dict[str, str] = {}
        """Units that have no result and will get none, with the first unit that was lost on their way."""
        self._stacks: dict[int, Stack] = {}
        self._numbers = 0
        self._home: dict[str, int] = {}
        self._unready: dict[int, int] = {}
        """Per waiting stack, its members that lack something."""
        self._partly: set[int] = set()
        """Stacks of which some members were ready and some not."""
        self._ready: list[tuple[float, int]] = []
        self._dependents: dict[str, list[str]] = defaultdict(list)
        self._lacking: dict[str, int] = {}
        """Per unit, how much of what it needs is not done."""

    def __len__(self) -> int:
        return len(self._stacks)

    def __iter__(self) -> Iterator[Stack]:
        return iter(self._stacks.values())

    @property
    def done(self) -> Collection[str]:
        """Units that have a result."""
        return self._done

    @property
    def ready_count(self) -> int:
        """How many are ready."""
        return sum(not self._unready[number] for number in self._stacks)

    def know(self, keys: Sequence[str], depends_on: Mapping[str, Sequence[str]], done: Collection[str]) -> None:
        """Learn of units that are not done, and of those that are, before stacks of them are added."""
        self._done.update(done)
        for needed, waiters in dependents(keys, depends_on).items():
            self._dependents[needed] += waiters
        self._lacking |= {key: len(set(depends_on[key]) - self._done) for key in keys}

    def add(self, stack: Stack) -> None:
        """Let a stack wait."""
        number = self._numbers
        self._numbers += 1
        self._stacks[number] = stack
        self._home |= dict.fromkeys((unit.key for unit in stack.members), number)
        self._watch(number)

    def blocked_by(self, needed: Iterable[str]) -> dict[str, str]:
        """Block what needs units that were lost before it was known of; as `block`."""
        lost = [key for key in needed if key in self._lost and key not in self._done]
        return {key: cause for each in lost for key, cause in self.block(each, self._lost[each]).items()}

    def rank_anew(self) -> None:
        """What is behind the waiting stacks has changed, and so has their order."""
        self._ready = []
        for number in self._stacks:
            self._moved(number)

    def first(self) -> tuple[int, Stack] | None:
        """The ready stack that should start first."""
        while self._ready:
            _, number = self._ready[0]
            stack = self._stacks.get(number)
            if stack is not None and not self._unready[number]:
                return number, stack
            heapq.heappop(self._ready)
        return None

    def ready(self) -> dict[int, Stack]:
        """All ready stacks, in the order in which they should start."""
        self._ready = sorted({(rank, n) for rank, n in self._ready if n in self._stacks and not self._unready[n]})
        return {number: self._stacks[number] for _, number in self._ready}

    def take(self, number: int) -> Stack:
        """Hand a stack out: it waits no more."""
        return self._stacks.pop(number)

    def partly_ready(self) -> Iterator[tuple[tuple[Unit, ...], tuple[Unit, ...], Sequence[int]]]:
        """Of stacks that may share one pass: ready members, those of the widest stack, and the stacks' numbers."""
        self._partly = {number for number in self._partly if number in self._stacks and self._unready[number]}
        groups: dict[object, list[int]] = defaultdict(list)
        for number in sorted(self._partly):
            if not self._stacks[number].continued:
                groups[shared(self._stacks[number].members[0])].append(number)
        for numbers in groups.values():
            widest = max((self._stacks[number].members for number in numbers), key=len)
            members = (unit for number in numbers for unit in self._stacks[number].members)
            ready = tuple(unit for unit in members if not self._lacking[unit.key])[: len(widest)]
            if ready:
                yield ready, widest, numbers

    def waits_for(self, keys: Collection[str]) -> bool:
        """Whether all that waits needs some of these units, or what needs them, and so will wait until they end."""
        behind, reached = set(keys), list(keys)
        while reached:
            found = [waiter for waiter in self._dependents.get(reached.pop(), ()) if waiter not in behind]
            behind.update(found)
            reached += found
        return all(unit.key in behind for stack in self._stacks.values() for unit in stack.members)

    def drop(self, numbers: Iterable[int], keys: Collection[str]) -> None:
        """Take units out of waiting stacks."""
        for number in numbers:
            self._keep(number, tuple(unit for unit in self._stacks[number].members if unit.key not in keys))

    def unlock(self, key: str) -> None:
        """Take note that a unit is done."""
        if key in self._done:
            return
        self._done.add(key)
        for waiter in self._dependents.get(key, ()):
            self._lacking[waiter] -= 1
            number = self._home[waiter]
            if not self._lacking[waiter] and number in self._stacks and waiter not in self._lost:
                self._unready[number] -= 1
                self._moved(number)

    def block(self, lost: str, cause: str) -> dict[str, str]:
        """Take everything that needs a unit out of its stack; what has a result anyway is not blocked by it.

        Returns:
            per blocked unit, the cause.
        """
        self._lost[lost] = cause
        blocked: dict[str, str] = {}
        homes: set[int] = set()
        reached = [lost]
        while reached:
            for key in self._dependents.get(reached.pop(), ()):
                if key in self._lost:
                    continue
                self._lost[key] = cause
                homes.add(self._home[key])
                if key not in self._done:
                    reached.append(key)
                    blocked[key] = cause
        for number in homes & self._stacks.keys():
            self._left([unit for unit in self._stacks[number].members if unit.key in self._lost])
            self.drop([number], self._lost)
        return blocked

    def _keep(self, number: int, members: tuple[Unit, ...]) -> None:
        """Let only these members of a waiting stack wait on."""
        stack = Stack(members, self._stacks[number].done)
        if stack.todo:
            self._stacks[number] = stack
            self._watch(number)
            return
        del self._stacks[number]
        self._left(members)

    def _watch(self, number: int) -> None:
        """Note what a waiting stack lacks; members that are done still need what they depend on, to train again."""
        members = self._stacks[number].members
        self._unready[number] = sum(self._lacking[unit.key] > 0 for unit in members)
        self._moved(number)

    def _moved(self, number: int) -> None:
        """Note how ready a stack is by now."""
        members = self._stacks[number].members
        if not self._unready[number]:
            heapq.heappush(self._ready, (-self._rank(members), number))
        elif self._unready[number] < len(members):
            self._partly.add(number)
            self.changed = True
