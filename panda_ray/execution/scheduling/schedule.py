"""Which stack may start next: the graph of a plan while it runs, and while it grows.

A stack is ready when everything that its members depend on is done. A unit that ended without a result blocks the units
that depend on it, which leave their stacks; their neighbours go on.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.packing import shared
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.allotment import Shaper
from panda_ray.execution.scheduling.critical_path import dependents
from panda_ray.execution.scheduling.fleet import Fleet, Slots
from panda_ray.execution.units.unit import Unit


class Schedule:
    """Hands out stacks as they become ready.

    Without a shaper they keep the order and the members of the plan. With one, what the longest path waits for comes
    first, and where the slots are known a stack takes its shape when it starts; or, with a fleet, its kind of worker.

    The other arguments are those of `add`.
    """

    def __init__(
        self,
        stacks: Sequence[Stack],
        depends_on: Mapping[str, Sequence[str]],
        done: Collection[str],
        shaper: Shaper | None = None,
        fleet: Fleet | None = None,
    ) -> None:
        self._shaper = shaper
        self._fleet = fleet
        self._done: set[str] = set()
        self._lost: dict[str, str] = {}
        """Units that have no result and will get none, with the first unit that was lost on their way."""
        self._waiting: dict[int, Stack] = {}
        self._numbers = 0
        self._home: dict[str, int] = {}
        self._unready: dict[int, int] = {}
        """Per waiting stack, its members that lack something."""
        self._partly: set[int] = set()
        """Stacks of which some members were ready and some not."""
        self._looked = False
        """Nothing has become ready since the last look at those."""
        self._ready: list[tuple[float, int]] = []
        self._busy: dict[str, int] = {}
        """Slots that each stack holds that was handed out and has not ended."""
        self._dependents: dict[str, list[str]] = defaultdict(list)
        self._lacking: dict[str, int] = {}
        """Per unit, how much of what it needs is not done."""
        self.add(stacks, depends_on, done)

    @property
    def exhausted(self) -> bool:
        """No stack is left to hand out, now or later, unless more are added."""
        return not self._waiting

    def add(
        self, stacks: Sequence[Stack], depends_on: Mapping[str, Sequence[str]], done: Collection[str]
    ) -> dict[str, str]:
        """Schedule stacks, some perhaps when others run or have ended; returns the new units that are blocked already.

        Args:
            stacks: every new unit that is not done is in one of them.
            depends_on: per new key, the keys that must be done before it can start.
            done: new units that have a result.

        Returns:
            per blocked unit, the unit without a result that it needs.
        """
        self._done.update(done)
        keys = [unit.key for stack in stacks for unit in stack.members]
        for needed, waiters in dependents(keys, depends_on).items():
            self._dependents[needed] += waiters
        self._lacking |= {key: len(set(depends_on[key]) - self._done) for key in keys}
        if self._shaper is not None:
            self._shaper.add(stacks, depends_on, self._done)
            self._rank_anew()
        for stack in stacks:
            self._add(stack)
        needed_by_new = dict.fromkeys(needed for key in keys for needed in depends_on[key])
        lost = [needed for needed in needed_by_new if needed in self._lost and needed not in self._done]
        return {key: cause for needed in lost for key, cause in self._block(needed, self._lost[needed]).items()}

    def next(self, slots: int | None = None) -> Stack | None:
        """A stack that may start, or None while all that are left should wait.

        Where no slot is free, only what is too short to get another shape than it was packed in is handed out: whatever
        waits longer may start on more slots than there are now, or on fewer.

        Args:
            slots: that there are, busy ones included; each runs a stack, or one of its workers. None: not known, stacks
                start as they were packed.
        """
        if self._shaper is None or slots is None:
            return self._pop(ahead=True)
        free = slots - sum(self._busy.values())
        if free <= 0:
            return self._pop(ahead=False)
        if slots < 2:
            return self._pop(ahead=True)
        self._shaper.aim(self._waiting.values(), slots)
        stack = self._pop(ahead=True, free=free)
        if stack is None and self._gather(self._shaper):
            stack = self._pop(ahead=True, free=free)
        return stack

    def next_on(self, slots: Slots) -> Stack | None:
        """Likewise with a fleet, whose slots of each kind are told: a stack that starts as it was packed."""
        assert self._shaper is not None, "a fleet has one beside it"
        assert self._fleet is not None, "it was given one"
        numbers = self._ready_numbers()
        if not numbers and any(self._fleet.free(slots).values()) and self._gather(self._shaper):
            numbers = self._ready_numbers()
        found = self._fleet.first_to_start((self._waiting[number] for number in numbers), slots)
        if found is None:
            return None
        stack = replace(self._waiting.pop(numbers[found[0]]), accelerator=found[1])
        self._shaper.started(stack)
        self._fleet.started(stack)
        return stack

    def wanted_on(self, slots: Slots) -> dict[str, int]:
        """How many slots of each kind more than there are the stacks could use that are ready."""
        assert self._fleet is not None, "it was given one"
        return self._fleet.wanted((self._waiting[number] for number in self._ready_numbers()), slots)

    def wanted(self, slots: int) -> int:
        """How many slots more than there are the stacks could use that are ready, as they were packed."""
        ready = sum(not self._unready[number] for number in self._waiting)
        return max(0, ready - max(0, slots - sum(self._busy.values())))

    def finish(self, stack: Stack, outcomes: Iterable[Outcome]) -> dict[str, str]:
        """Take note of how a stack ended; returns the units that this blocks, with the unit that they need."""
        self._busy.pop(stack.id, None)
        if self._fleet is not None:
            self._fleet.ended(stack)
        if self._shaper is not None:
            self._shaper.ended(stack)
        blocked: dict[str, str] = {}
        for outcome in outcomes:
            if outcome.status == "done":
                self._unlock(outcome.key)
            elif outcome.status != "held":
                blocked |= self._block(outcome.key, outcome.key)
        return blocked

    def shrink(self, stack: Stack) -> None:
        """Take note that a stack goes on with fewer workers than it was given: its other slots are free."""
        if stack.id in self._busy:
            self._busy[stack.id] = stack.workers
        if self._shaper is not None:
            self._shaper.shrunk(stack)

    def put_back(self, stack: Stack) -> None:
        """Let a stack wait again whose members could not be worked on; its members lack nothing."""
        if self._shaper is not None:
            self._shaper.returned(stack.members)
        self._add(stack)

    def _ready_numbers(self) -> list[int]:
        """Ready stacks, in the order in which they should start."""
        self._ready = sorted({(rank, n) for rank, n in self._ready if n in self._waiting and not self._unready[n]})
        return [*dict.fromkeys(number for _, number in self._ready)]

    def _pop(self, ahead: bool, free: int = 0) -> Stack | None:
        """The first ready stack, in the shape that suits so many free slots."""
        while self._ready:
            _, number = self._ready[0]
            stack = self._waiting.get(number)
            if stack is None or self._unready[number]:
                heapq.heappop(self._ready)
                continue
            if self._shaper is None:
                return self._waiting.pop(number)
            if not ahead and not self._shaper.is_short(stack.members):
                return None
            part = self._part(stack, free, self._shaper) if free > 0 else stack
            if part is None:
                return None
            del self._waiting[number]
            if len(part.members) < len(stack.members):
                self._add(Stack(stack.members[len(part.members) :]))
            self._busy[part.id] = part.workers
            self._shaper.started(part)
            return part
        return None

    def _part(self, stack: Stack, free: int, shaper: Shaper) -> Stack | None:
        """What of a ready stack starts now, and on how many workers; None to wait until more slots are free."""
        if stack.done or (stack.continued and len(stack.members) > 1):
            return stack
        shape = shaper.shape(stack.members)
        if shape.workers > free:
            now = shaper.now_or_later(stack.members[0], shape, free)
            if now is None:
                return None
            shape = now
        return replace(stack, members=stack.members[: shape.width], workers=shape.workers)

    def _gather(self, shaper: Shaper) -> bool:
        """Make a stack of ready members of stacks that are not ready; False where none is worth it."""
        if self._looked:
            return False
        groups: dict[object, list[int]] = defaultdict(list)
        self._partly = {number for number in self._partly if number in self._waiting and self._unready[number]}
        for number in sorted(self._partly):
            if not self._waiting[number].continued:
                groups[shared(self._waiting[number].members[0])].append(number)
        best = max(self._candidates(groups.values(), shaper), key=lambda candidate: candidate[0], default=None)
        self._looked = best is None
        if best is None:
            return False
        _, ready, numbers = best
        taken = {unit.key for unit in ready}
        for number in numbers:
            members = self._waiting[number].members
            self._keep(number, tuple(unit for unit in members if unit.key not in taken))
        self._add(Stack(ready))
        return True

    def _candidates(
        self, groups: Iterable[Sequence[int]], shaper: Shaper
    ) -> Iterator[tuple[float, tuple[Unit, ...], Sequence[int]]]:
        """Rank, members that are ready, and the stacks that they wait in."""
        for numbers in groups:
            widest = max((self._waiting[number].members for number in numbers), key=len)
            members = (unit for number in numbers for unit in self._waiting[number].members)
            ready = tuple(unit for unit in members if not self._lacking[unit.key])[: len(widest)]
            if ready and shaper.may_start_narrow(ready, widest):
                yield shaper.rank(ready), ready, numbers

    def _add(self, stack: Stack) -> None:
        number = self._numbers
        self._numbers += 1
        self._waiting[number] = stack
        self._home |= dict.fromkeys((unit.key for unit in stack.members), number)
        self._watch(number)

    def _rank_anew(self) -> None:
        """What is behind the waiting stacks has changed, and so has their order."""
        self._ready = []
        for number in self._waiting:
            self._moved(number)

    def _keep(self, number: int, members: tuple[Unit, ...]) -> None:
        """Let only these members of a waiting stack wait on."""
        stack = Stack(members, self._waiting[number].done)
        if stack.todo:
            self._waiting[number] = stack
            self._watch(number)
            return
        del self._waiting[number]
        if self._shaper is not None:
            self._shaper.left(members)

    def _watch(self, number: int) -> None:
        """Note what a waiting stack lacks; members that are done still need what they depend on, to train again."""
        members = self._waiting[number].members
        self._unready[number] = sum(self._lacking[unit.key] > 0 for unit in members)
        self._moved(number)

    def _moved(self, number: int) -> None:
        """Note how ready a stack is by now."""
        members = self._waiting[number].members
        if not self._unready[number]:
            rank = 0.0 if self._shaper is None else self._shaper.rank(members)
            heapq.heappush(self._ready, (-rank, number))
        elif self._unready[number] < len(members):
            self._partly.add(number)
            self._looked = False

    def _unlock(self, key: str) -> None:
        if key in self._done:
            return
        self._done.add(key)
        for waiter in self._dependents.get(key, ()):
            self._lacking[waiter] -= 1
            number = self._home[waiter]
            if not self._lacking[waiter] and number in self._waiting and waiter not in self._lost:
                self._unready[number] -= 1
                self._moved(number)

    def _block(self, lost: str, cause: str) -> dict[str, str]:
        """Take everything that needs a unit out of its stack; what has a result anyway is not blocked by it."""
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
        for number in homes & self._waiting.keys():
            stack = self._waiting[number]
            lost_members = [unit for unit in stack.members if unit.key in self._lost]
            if self._shaper is not None:
                self._shaper.left(lost_members)
            self._keep(number, tuple(unit for unit in stack.members if unit.key not in self._lost))
        return blocked
