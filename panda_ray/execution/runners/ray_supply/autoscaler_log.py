"""The log of Ray's autoscaler, where the process that asks is on the head, as drivers of submitted sweeps are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ray._private import worker
from ray.tune import Callback

from panda_ray.execution.runners.ray_supply.cloud_refusals import Refusal, cloud_refusals

_LOOK_SECONDS = 10.0
_END_BYTES = 1 << 16
"""Of the log: a refusal takes five lines, and every type of worker is asked for every few seconds."""


class RefusedWorkers(Callback):
    """Tells of workers that the cloud refuses, as soon as that changes.

    Args:
        tell: hears of all that are refused at the moment, a sentence each.
    """

    def __init__(self, tell: Callable[[Sequence[str]], None]) -> None:
        self._tell = tell
        self._told: list[str] = []
        self._next_look = 0.0

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self.look()

    def look(self) -> None:
        """Read the log again; every ten seconds at the most."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_SECONDS
        said = [f"{refused.sentence}; {refused.remedy}" for refused in refused_workers()]
        if said != self._told:
            self._told = said
            self._tell(said)


def refused_workers() -> list[Refusal]:
    """Those that the cloud refuses at the moment, by the log on this machine; none where it has no such log."""
    node: Any = worker._global_node
    if node is None:
        return []
    with suppress(OSError), Path(node.get_logs_dir_path(), "monitor.log").open("rb") as log:
        log.seek(max(0, log.seek(0, 2) - _END_BYTES))
        return cloud_refusals(log.read().decode(errors="replace"), datetime.now())
    return []
