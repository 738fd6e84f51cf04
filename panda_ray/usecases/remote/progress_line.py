"""The line in which a driver says every now and then how far it is, and how it is found again in a log."""

from __future__ import annotations

import re

_PROGRESS = re.compile(r"\d+ of \d+ units done(?:[,;].*)?$")


def last_progress(log: str) -> str | None:
    """The newest of them in a log; None where there is none."""
    for line in reversed(log.splitlines()):
        if (found := _PROGRESS.search(line.strip())) is not None:
            return found[0]
    return None
