"""Where a run stands: what every display of a running sweep is drawn from."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from panda_ray.execution.planning.states import State, states_of

if TYPE_CHECKING:
    from panda_ray.execution.costs.costs import Costs
    from panda_ray.execution.events import Outcome
    from panda_ray.execution.planning.plan import Plan
    from panda_ray.execution.planning.stack import Stack
    from panda_ray.training.engine.epoch_report import EpochReport


STALLED_SECONDS = 600.0
"""Without any stack that runs, while units wait and nobody else is at work on them."""


@dataclass
class Running:
    """A stack that runs, since a time of the clock.

    Its last epoch, and how many it has, are 0 before the first has ended, and where it runs is not known.
    """

    stack: Stack
    since: float
    epoch: int = 0
    epochs: int = 0
    hosts: tuple[str, ...] = ()


class Progress:
    """States of all units, work done and left, and the speed of the stacks that run.

    Args:
        costs: of the plan; stacks weigh by the seconds that they should take.
        clock: seconds; replaced by tests.

    Attributes:
        running: stacks that run, by id.
        lost_workers: how often a running stack lost workers, and was to start again.
    """

    def __init__(self, plan: Plan, costs: Costs, clock: Callable[[], float] = time.monotonic) -> None:
        self.plan = plan
        self.states: dict[str, State] = states_of(plan, running=(), failed=())
        self._costs = costs
        self._clock = clock
        self._started: float | None = None
        self._work: dict[str, float] = {}
        """Per unit that is left, its part of the seconds of its stack."""
        self._weigh(plan.stacks)
        self._finished_work = 0.0
        self._finished_units = 0
        self._partial: dict[str, float] = {}
        self._speed: dict[str, float] = {}
        self.running: dict[str, Running] = {}
        self.lost_workers = 0
        self._held: set[str] = set()
        self._refused: tuple[str, ...] = ()
        self._idle_since = clock()

    def grow(self, plan: Plan) -> None:
        """The plan has grown."""
        self._weigh(plan.stacks[len(self.plan.stacks) :])
        for key in plan.units.keys() - self.states.keys():
            self.states[key] = "done" if key in plan.done else "waiting"
        self.plan = plan

    def start(self, stack: Stack) -> None:
        """A stack started, perhaps again."""
        now = self._clock()
        if self._started is None:
            self._started = now
        self.running[stack.id] = Running(stack, now)
        self._partial[stack.id] = 0.0
        for unit in stack.todo:
            self.states[unit.key] = "running"
            self._held.discard(unit.key)

    def epoch(self, stack: Stack, report: EpochReport) -> None:
        """A running stack finished an epoch."""
        unfinished = sum(self._work[unit.key] for unit in stack.todo if self.states[unit.key] == "running")
        self._partial[stack.id] = unfinished * report.epoch / report.epochs
        self._speed[stack.id] = report.examples_per_second
        if (running := self.running.get(stack.id)) is not None:
            running.epoch, running.epochs, running.hosts = report.epoch, report.epochs, report.hosts

    def outcome(self, stack: Stack | None, outcome: Outcome) -> bool:
        """A unit ended; true when it was the last one of its stack."""
        if self.states[outcome.key] != "done":
            self._finished_work += self._work[outcome.key]
            self._finished_units += 1
        assert outcome.status != "held", "see `held`"
        self.states[outcome.key] = outcome.status
        if stack is None:
            return False
        left = [unit for unit in stack.todo if self.states[unit.key] == "running"]
        self._partial[stack.id] = min(self._partial.get(stack.id, 0.0), sum(self._work[unit.key] for unit in left))
        if not left:
            self._end(stack)
        return not left

    def held(self, stack: Stack, keys: Collection[str]) -> None:
        """Units of a stack that started are another run's work at the moment."""
        self.states |= dict.fromkeys(keys, "waiting")
        self._held.update(keys)
        if not any(self.states[unit.key] == "running" for unit in stack.todo):
            self._end(stack)

    def lost(self, stack: Stack) -> None:
        """A running stack lost workers, and waits until it starts again."""
        self.lost_workers += 1
        self.states |= {unit.key: "waiting" for unit in stack.todo if self.states[unit.key] == "running"}
        self._end(stack)

    def stop(self) -> None:
        """Nothing runs any more: what has not ended waits for the next run."""
        self.running.clear()
        self.states |= {key: "waiting" for key, state in self.states.items() if state == "running"}

    def refused(self, sentences: Sequence[str]) -> None:
        """All that the cloud refuses at the moment."""
        self._refused = tuple(sentences)

    @property
    def stalled(self) -> float:
        """Seconds without any stack that runs, while units wait for one; 0 where that is nothing to worry about."""
        waits = any(state == "waiting" and key not in self._held for key, state in self.states.items())
        idle = self._clock() - self._idle_since
        return idle if waits and not self.running and idle >= STALLED_SECONDS else 0.0

    @property
    def warnings(self) -> tuple[str, ...]:
        """What keeps the run from going on, a sentence each."""
        if not (stalled := self.stalled) or self._refused:
            return self._refused
        return (
            f"nothing has run for {stalled / 60:.0f} minutes although units wait: no node has come. Look at quota and "
            "price of the workers, and at what `ray status` says on the head",
        )

    @property
    def now(self) -> float:
        """By the clock that `Running.since` was taken from."""
        return self._clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the first stack started."""
        return 0.0 if self._started is None else self._clock() - self._started

    @property
    def eta(self) -> float | None:
        """Seconds until all that is known is done at the speed so far; None before there is any."""
        finished = self._finished_work + sum(self._partial.values())
        return self.elapsed * (self._to_do - finished) / finished if finished else None

    @property
    def units_per_second(self) -> float:
        return self._finished_units / self.elapsed if self.elapsed else 0.0

    @property
    def examples_per_second(self) -> float:
        """Of all stacks that run now, by their last epochs."""
        return sum(self._speed.values())

    def count(self, state: State) -> int:
        """Units in a state."""
        return sum(1 for found in self.states.values() if found == state)

    def _end(self, stack: Stack) -> None:
        for known in (self._partial, self._speed, self.running):
            known.pop(stack.id, None)
        if not self.running:
            self._idle_since = self._clock()

    def _weigh(self, stacks: Sequence[Stack]) -> None:
        for stack in stacks:
            share = self._costs.seconds(stack).seconds / len(stack.todo)
            self._work |= dict.fromkeys((unit.key for unit in stack.todo), share)
        self._to_do = sum(self._work.values())
