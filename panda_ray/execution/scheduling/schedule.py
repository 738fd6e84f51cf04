"""Which stack starts next, in which shape, and on which kind of worker."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from panda_ray.execution.events import Outcome
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.fleet import Fleet, Slots
from panda_ray.execution.scheduling.shapes.allotment import Shaper
from panda_ray.execution.scheduling.waiting_stacks import WaitingStacks
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
        self._shaper, self._fleet = shaper, fleet
        self._waiting = WaitingStacks(
            rank=_unranked if shaper is None else shaper.rank, left=_unheard if shaper is None else shaper.left
        )
        self._busy: dict[str, int] = {}
        """Slots that each stack holds that was handed out and has not ended."""
        self._enlarged: list[Stack] = []
        """Stacks that have stopped to go on with more workers, for which slots are held."""
        self.add(stacks, depends_on, done)

    @property
    def exhausted(self) -> bool:
        """No stack is left to hand out, now or later, unless more are added."""
        return not self._waiting and not self._enlarged

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
        keys = [unit.key for stack in stacks for unit in stack.members]
        self._waiting.know(keys, depends_on, done)
        if self._shaper is not None:
            self._shaper.add(stacks, depends_on, self._waiting.done)
            self._waiting.rank_anew()
        for stack in stacks:
            self._waiting.add(stack)
        return self._waiting.blocked_by(dict.fromkeys(needed for key in keys for needed in depends_on[key]))

    def next(self, slots: int | None = None) -> Stack | None:
        """A stack that may start, or None while all that are left should wait.

        Where no slot is free, only what is too short to get another shape than it was packed in is handed out: whatever
        waits longer may start on more slots than there are now, or on fewer.

        Args:
            slots: that there are, busy ones included; each runs a stack, or one of its workers. None: not known, stacks
                start as they were packed.
        """
        if self._enlarged:
            return self._enlarged.pop()
        if self._shaper is None or slots is None:
            return self._pop(ahead=True)
        free = slots - sum(self._busy.values())
        if free <= 0:
            return self._pop(ahead=False)
        if slots < 2:
            return self._pop(ahead=True)
        self._shaper.aim(self._waiting, slots)
        stack = self._pop(ahead=True, free=free)
        if stack is None and self._gather(self._shaper):
            stack = self._pop(ahead=True, free=free)
        return stack

    def next_on(self, slots: Slots) -> Stack | None:
        """Likewise with a fleet, whose slots of each kind are told: a stack that starts as it was packed."""
        assert self._shaper is not None, "a fleet has one beside it"
        assert self._fleet is not None, "it was given one"
        ready = self._waiting.ready()
        if not ready and any(self._fleet.free(slots).values()) and self._gather(self._shaper):
            ready = self._waiting.ready()
        found = self._fleet.first_to_start(ready.values(), slots)
        if found is None:
            return None
        place, accelerator = found
        stack = replace(self._waiting.take([*ready][place]), accelerator=accelerator)
        self._shaper.started(stack)
        self._fleet.started(stack)
        return stack

    def wanted_on(self, slots: Slots) -> dict[str, int]:
        """How many slots of each kind more than there are the stacks could use that are ready."""
        assert self._fleet is not None, "it was given one"
        return self._fleet.wanted(self._waiting.ready().values(), slots)

    def wanted(self, slots: int) -> int:
        """How many slots more than there are the stacks could use that are ready, as they were packed."""
        return max(0, self._waiting.ready_count - max(0, slots - sum(self._busy.values())))

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
                self._waiting.unlock(outcome.key)
            elif outcome.status != "held":
                blocked |= self._waiting.block(outcome.key, outcome.key)
        return blocked

    def shrink(self, stack: Stack) -> None:
        """Take note that a stack goes on with fewer workers than it was given: its other slots are free."""
        if stack.id in self._busy:
            self._busy[stack.id] = stack.workers
        if self._shaper is not None:
            self._shaper.shrunk(stack)

    def enlarge(self, slots: int, free: int) -> Stack | None:
        """A running stack that should stop, as it goes on with more workers; None where that is not worth it.

        Only where nothing is ready to start, and all that waits does so for it. The slots are its own from now on.

        Args:
            slots: that there are, busy ones included.
            free: slots that nobody uses, whoever uses the others.
        """
        free = min(free, slots - sum(self._busy.values()))
        if self._shaper is None or self._fleet is not None or free <= 0 or self._waiting.first() is not None:
            return None
        larger = self._shaper.enlarged(slots, free, self._waiting.waits_for)
        if larger is not None:
            self._busy[larger.id] = larger.workers
        return larger

    def restart(self, larger: Stack) -> None:
        """Hand out a stack that has stopped as it goes on; before all others, for its slots are its own."""
        self._enlarged.append(larger)

    def heard(self, stack: Stack, epoch: int, epochs: int, seconds: float) -> None:
        """Take note of an epoch; see `RunningStacks.heard`."""
        if self._shaper is not None:
            self._shaper.heard(stack, epoch, epochs, seconds)

    def put_back(self, stack: Stack) -> None:
        """Let a stack wait again whose members could not be worked on; its members lack nothing."""
        if self._shaper is not None:
            self._shaper.returned(stack.members)
        self._waiting.add(stack)

    def _pop(self, ahead: bool, free: int = 0) -> Stack | None:
        """The first ready stack, in the shape that suits so many free slots."""
        first = self._waiting.first()
        if first is None:
            return None
        number, stack = first
        if self._shaper is None:
            return self._waiting.take(number)
        if not ahead and not self._shaper.is_short(stack.members):
            return None
        part = self._part(stack, free, self._shaper) if free > 0 else stack
        if part is None:
            return None
        self._waiting.take(number)
        if len(part.members) < len(stack.members):
            self._waiting.add(Stack(stack.members[len(part.members) :]))
        self._busy[part.id] = part.workers
        self._shaper.started(part)
        return part

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
        if not self._waiting.changed:
            return False
        candidates = [
            (shaper.rank(ready), ready, numbers)
            for ready, widest, numbers in self._waiting.partly_ready()
            if shaper.may_start_narrow(ready, widest)
        ]
        if not candidates:
            self._waiting.changed = False
            return False
        _, ready, numbers = max(candidates, key=lambda candidate: candidate[0])
        self._waiting.drop(numbers, {unit.key for unit in ready})
        self._waiting.add(Stack(ready))
        return True


def _unranked(_members: Sequence[Unit]) -> float:
    """The order of the plan."""
    return 0.0


def _unheard(_members: Sequence[Unit]) -> None:
    """Nobody counts what waits."""
