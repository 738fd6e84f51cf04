"""What happens in a driver as lines of its log, for programs: one JSON object each, behind a mark.

On a cluster the log of its job is all that a laptop can read of a driver while it runs. People are shown the log
without these lines.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from panda_ray.execution.events import Listener, Outcome

if TYPE_CHECKING:
    from panda_ray.execution.planning.stack import Stack
    from panda_ray.training.engine.epoch_report import EpochReport

_MARK = "panda-ray event: "
_EPOCH_SECONDS = 30.0
"""Between two lines about epochs of one stack: the Jobs API sends a log from its beginning each time."""

_DIGITS = 16
"""Of a unit's key in these lines."""


class EventLines(Listener):
    """Says each event as a line.

    Args:
        say: prints one.
        clock: seconds since 1970; replaced by tests.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.time) -> None:
        self._say, self._clock = say, clock
        self._told: dict[str, float] = {}

    def on_stack_started(self, stack: Stack) -> None:
        self._told.pop(stack.id, None)
        self._tell("started", stack, stack.keys, workers=stack.workers)

    def on_lost(self, stack: Stack, reason: str) -> None:
        self._tell("lost", stack, stack.keys, says=reason)

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if self._clock() - self._told.get(stack.id, 0.0) >= _EPOCH_SECONDS:
            self._told[stack.id] = self._clock()
            self._tell("epoch", stack, stack.keys, epoch=report.epoch, epochs=report.epochs, hosts=report.hosts)

    def on_outcome(self, stack: Stack | None, outcome: Outcome) -> None:
        self._tell(outcome.status, stack, (outcome.key,), says=outcome.error)

    def on_held(self, stack: Stack, keys: Collection[str]) -> None:
        self._tell("held", stack, keys)

    def _tell(self, event: str, stack: Stack | None, keys: Iterable[str], **more: Any) -> None:
        told = {
            "at": round(self._clock(), 1),
            "event": event,
            "stack": None if stack is None else stack.title,
            "units": [short_key(key) for key in keys],
            **{name: value for name, value in more.items() if value is not None},
        }
        self._say(_MARK + json.dumps(told))


def short_key(key: str) -> str:
    """A unit as these lines name it."""
    return key[:_DIGITS]


def is_event(line: str) -> bool:
    """Whether a line of a log is one of these."""
    return line.startswith(_MARK)


def event_in(line: str) -> dict[str, Any] | None:
    """`at` (seconds since 1970), `event`, `stack`, `units` and more of a line; None of any other, and of half a one."""
    if not is_event(line):
        return None
    try:
        found = json.loads(line.removeprefix(_MARK))
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("units"), list) else None
