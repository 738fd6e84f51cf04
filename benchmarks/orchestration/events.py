"""Reading the log that `observed.py` writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        at: seconds since the epoch.
        what: planned, stack (one started), done, failed, blocked, trained (nothing runs any more), logged.
        stack: id of the stack that it happened to.
    """

    at: float
    what: str
    stack: str | None


def read_events(log: Path) -> list[Event]:
    """Every whole line of a log, which may still grow or not be there yet."""
    if not log.exists():
        return []
    text = log.read_text(encoding="utf-8")
    return [Event(*json.loads(line)) for line in text[: text.rfind("\n") + 1].splitlines()]


def times(events: Sequence[Event], what: str) -> list[float]:
    """When something happened, in order."""
    return [event.at for event in events if event.what == what]
