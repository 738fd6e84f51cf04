"""What happens during a run, and who hears of it: progress bars, MLflow, anything else.

Listeners run in the driver's process and thread, whatever runs the stacks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from panda_ray.execution.planning.stack import Stack
from panda_ray.training.member import EpochScore

if TYPE_CHECKING:
    from panda_ray.execution.planning.plan import Plan
    from panda_ray.training.engine.epoch_report import EpochReport, Usage

Status = Literal["done", "failed", "blocked", "stopped", "held"]


@dataclass(frozen=True)
class Outcome:
    """How one unit ended.

    Attributes:
        status: `stopped` where somebody ended its training early: it has no result, and has not failed. `held` where
            another driver is at work on the unit; it is asked for again later.
        error: one sentence on a failure, or on what blocks the unit. The store keeps a failure's traceback.
        history, seconds: what a stopped unit has reached, and its share of the time of its stack.
        usage: of the machine of a stack that has no epochs to report it with, at the first of its outcomes, where
            somebody wants to know.
    """

    key: str
    status: Status
    error: str | None = None
    history: tuple[EpochScore, ...] = ()
    seconds: float = 0.0
    usage: tuple[Usage, ...] = ()


@dataclass(frozen=True)
class RunSummary:
    """How a run ended.

    Attributes:
        plan: as far as it has grown.
        done: units of the plan that have a result in the store now.
        new: those of them that this run finished.
        failed: key to cause.
        blocked: key to the unit that it waits for, which failed or was stopped.
        stopped: units whose training somebody ended early.
        preemptions: how often a running stack left a node that went away, or was lost with it.
        interrupted: why the run ended before every unit was tried (a signal, a full disk), or None.
    """

    plan: Plan
    done: frozenset[str] = frozenset()
    new: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)
    blocked: Mapping[str, str] = field(default_factory=dict)
    stopped: frozenset[str] = frozenset()
    preemptions: int = 0
    interrupted: str | None = None

    @property
    def complete(self) -> bool:
        """Every unit of the plan has a result, but for those that were not to have one."""
        return not self.failed and not self.blocked and self.interrupted is None


class Listener:
    """Hears what happens; override what is of interest. An exception in a listener ends the run."""

    def on_plan(self, plan: Plan) -> None:
        """Called once, before the first stack starts."""

    def on_grown(self, plan: Plan) -> None:
        """The plan has grown: this one takes its place, and has all that it had."""

    def on_stack_started(self, stack: Stack) -> None:
        """A stack started, or started again after its worker died."""

    def on_lost(self, stack: Stack, reason: str) -> None:
        """Workers of a running stack died, left their nodes or cannot reach each other.

        The stack waits until it starts again, perhaps elsewhere, perhaps on fewer.

        Args:
            reason: one sentence, with the host where it is known.
        """

    def on_refused(self, sentences: Sequence[str]) -> None:
        """The cloud starts no workers of some types, a sentence each; none of them any more where there is none."""

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        """A running stack finished an epoch."""

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        """A unit is done (its result is in the store), failed, stopped or blocked; a blocked one has no `stack`."""

    def on_held(self, stack: Stack, keys: Collection[str]) -> None:
        """Units of a stack that started wait again; they will be heard of later.

        Another driver is at work on them at the moment, or had stopped them early.
        """

    def on_finished(self, summary: RunSummary) -> None:
        """Called once, also after an interrupt."""


class Listeners(Listener):
    """Several listeners as one, called in order."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = tuple(listeners)

    def on_plan(self, plan: Plan) -> None:
        for listener in self._listeners:
            listener.on_plan(plan)

    def on_grown(self, plan: Plan) -> None:
        for listener in self._listeners:
            listener.on_grown(plan)

    def on_stack_started(self, stack: Stack) -> None:
        for listener in self._listeners:
            listener.on_stack_started(stack)

    def on_lost(self, stack: Stack, reason: str) -> None:
        for listener in self._listeners:
            listener.on_lost(stack, reason)

    def on_refused(self, sentences: Sequence[str]) -> None:
        for listener in self._listeners:
            listener.on_refused(sentences)

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        for listener in self._listeners:
            listener.on_epoch(stack, report)

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        for listener in self._listeners:
            listener.on_outcome(stack, outcome)

    def on_held(self, stack: Stack, keys: Collection[str]) -> None:
        for listener in self._listeners:
            listener.on_held(stack, keys)

    def on_finished(self, summary: RunSummary) -> None:
        for listener in self._listeners:
            listener.on_finished(summary)
