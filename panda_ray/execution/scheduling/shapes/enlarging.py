"""Whether a training that has fewer workers than it could have is stopped, to go on from its checkpoint on more.

Slots become free when nodes come up or other stacks end. More workers help a run where its end depends on that one
training, all that waits does so for it, and the time that they save is clearly more than a restart costs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile

from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.scheduling.shapes.running_stacks import Running

CLEAR = 3.0
"""How many times its cost a restart must be expected to save. Both are estimates: with seconds that are 0.6 to 1.4 of
the real ones, and workers that reach less than they are taken to (0.9 of a rate each), a part of it is still left."""

LEAST_RUN = 10.0
"""A training runs so many times the cost of a restart before it is stopped for one: restarts take a tenth of its time
at the most, and nodes that come up one after another are taken together."""


def decisive(
    running: Sequence[tuple[float, Running]], behind: Callable[[Stack], float], bound: float, now: float, cost: float
) -> list[tuple[float, Running]]:
    """Trainings that the end of a run depends on and that may be started again, with the seconds that they have left.

    Those come first that are the first of the longest paths. What is behind one that may not is none of them: whatever
    it were given, the run would end no sooner.

    Args:
        running: stacks with the seconds that they should have left.
        behind: seconds of the longest path that waits for a stack.
        bound: seconds that all slots are busy for in whatever shape they are.
        cost: of a restart.
    """

    def path(left: float, one: Running) -> float:
        return left + behind(one.stack)

    longest = sorted(running, key=lambda pair: path(*pair), reverse=True)
    return [*takewhile(lambda pair: path(*pair) > bound and _may_restart(pair[1], now, cost), longest)]


def _may_restart(one: Running, now: float, cost: float) -> bool:
    """Whether a stack is a training, and has run for long enough since it last started."""
    return one.stack.members[0].config is not None and now >= one.began + LEAST_RUN * cost


def on_more(
    stack: Stack, left: float, most: int, seconds: Callable[[int], float], cost: float
) -> tuple[Stack, float] | None:
    """A training on the workers on which it ends first, with the seconds that it has left there; None if not worth it.

    Args:
        left: seconds that it has left on those that it has.
        most: workers that it may have.
        seconds: that all of it takes on so many workers.
        cost: of a restart.
    """
    workers = min(range(stack.workers + 1, most + 1), key=seconds, default=stack.workers)
    then = left * seconds(workers) / seconds(stack.workers)
    return (replace(stack, workers=workers), then) if left - then >= CLEAR * cost else None
