"""Which stack may start next: the graph of a plan while it runs.

A stack is ready when everything that its members depend on is done. A failed unit blocks the units that depend on it,
which leave their stacks; their neighbours go on.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from panda_ray.execution.events import Outcome
from panda_ray.execution.stack import Stack


class Schedule:
    """Hands out stacks in the order of the plan, as they become ready.

    Args:
        stacks: every unit that is not done is in one of them.
        depends_on: per key, the keys that must be done before it can start.
        done: units that have a result.
    """

    def __init__(self, stacks: Sequence[Stack], depends_on: Mapping[str, Sequence[str]], done: Collection[str]) -> None:
        self._depends_on = depends_on
        self._done = set(done)
        self._stopped: set[str] = set()
        self._waiting = dict(enumerate(stacks))
        self._ready: list[int] = []
        self._home = {unit.key: number for number, stack in self._waiting.items() for unit in stack.members}
        self._dependents: dict[str, list[str]] = defaultdict(list)
        for key in self._home:
            for needed in depends_on[key]:
                self._dependents[needed].append(key)
        self._waiters: dict[str, set[int]] = defaultdict(set)
        self._missing: dict[int, set[str]] = {}
        for number in self._waiting:
            self._watch(number)

    @property
    def exhausted(self) -> bool:
        """No stack is left to hand out, now or later."""
        return not self._waiting

    def next(self) -> Stack | None:
        """The first ready stack, or None while all that are left wait for others."""
        while self._ready:
            number = heapq.heappop(self._ready)
            if number in self._waiting and not self._missing[number]:
                return self._waiting.pop(number)
        return None

    def finish(self, outcomes: Iterable[Outcome]) -> dict[str, str]:
        """Take note of how units ended; returns the units that are blocked by that, with the failed unit they need."""
        blocked: dict[str, str] = {}
        for outcome in outcomes:
            if outcome.status == "done":
                self._unlock(outcome.key)
            else:
                blocked |= self._block(outcome.key)
        return blocked

    def _watch(self, number: int) -> None:
        """Note what a waiting stack lacks; members that are done still need what they depend on, to train again."""
        needed = {key for unit in self._waiting[number].members for key in self._depends_on[unit.key]}
        self._missing[number] = needed - self._done
        for key in self._missing[number]:
            self._waiters[key].add(number)
        if not self._missing[number]:
            heapq.heappush(self._ready, number)

    def _unlock(self, key: str) -> None:
        self._done.add(key)
        for number in self._waiters.pop(key, ()):
            self._missing[number].discard(key)
            if not self._missing[number]:
                heapq.heappush(self._ready, number)

    def _block(self, failed: str) -> dict[str, str]:
        """Take everything that needs a failed unit out of its stack; what has a result anyway is not blocked by it."""
        self._stopped.add(failed)
        blocked: dict[str, str] = {}
        homes: set[int] = set()
        reached = [failed]
        while reached:
            for key in self._dependents[reached.pop()]:
                if key in self._stopped:
                    continue
                self._stopped.add(key)
                homes.add(self._home[key])
                if key not in self._done:
                    reached.append(key)
                    blocked[key] = failed
        for number in homes:
            self._drop_stopped(number)
        return blocked

    def _drop_stopped(self, number: int) -> None:
        if (stack := self._waiting.get(number)) is None:
            return
        members = tuple(unit for unit in stack.members if unit.key not in self._stopped)
        self._waiting[number] = Stack(members, stack.done)
        if self._waiting[number].todo:
            self._watch(number)
        else:
            del self._waiting[number]
