"""Stacks that run: when each should end, by the time that it is expected to take and by the epochs that it reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from panda_ray.execution.planning.stack import Stack

RESTART_SECONDS = 30.0
"""What it is taken to cost to stop a training and to start it on more workers, until a run has measured it: a group of
two on this project's machines took half of that, and larger backbones take longer to load."""


@dataclass(frozen=True)
class Running:
    """A running stack.

    Attributes:
        began: when it started in this shape, or was asked to stop for it.
        end: when it should end.
        is_new: it has been asked to start again in this shape, and no epoch was heard of since.
        heard: when the first epoch in this shape was heard of, and which one.
    """

    stack: Stack
    began: float
    end: float
    is_new: bool = False
    heard: tuple[float, int] | None = None


class RunningStacks:
    """Follows stacks by the clock.

    Args:
        clock: seconds since any moment.

    Attributes:
        restart_seconds: what it costs to stop a training and to start it on more workers.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._running: dict[str, Running] = {}
        self.restart_seconds = RESTART_SECONDS

    def started(self, stack: Stack, seconds: float) -> None:
        """Count a stack as running from now on, for so long."""
        now = self._clock()
        self._running[stack.id] = Running(stack, now, now + seconds)

    def enlarged(self, larger: Stack, seconds: float) -> None:
        """Count a running stack as asked to start again as this one, which has so much left then."""
        now = self._clock()
        self._running[larger.id] = Running(larger, now, now + self.restart_seconds + seconds, is_new=True)

    def ended(self, stack: Stack) -> None:
        """Count a stack as running no more."""
        self._running.pop(stack.id, None)

    def left(self) -> list[tuple[float, Running]]:
        """All of them, with the seconds that they should have left."""
        now = self._clock()
        return [(max(0.0, one.end - now), one) for one in self._running.values()]

    def heard(self, stack: Stack, epoch: int, epochs: int, seconds: float) -> None:
        """Take note of an epoch of a stack, so many seconds after its training began in this shape or went on in it.

        Two of them say how fast it is, also where it went on from a checkpoint; the first one after a restart says
        what that took.
        """
        one = self._running.get(stack.id)
        if one is None or one.stack.workers != stack.workers:  # it is about to stop
            return
        now = self._clock()
        if one.is_new:
            self.restart_seconds = max(0.0, now - one.began - seconds)
        if one.heard is None:
            self._running[stack.id] = replace(one, heard=(now, epoch), is_new=False)
        elif epoch > one.heard[1]:
            since, first = one.heard
            end = now + (epochs - epoch) * (now - since) / (epoch - first)
            self._running[stack.id] = replace(one, end=end)
