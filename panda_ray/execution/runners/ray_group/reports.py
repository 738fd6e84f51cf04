"""The way of an epoch's report from the process that leads a group to the trial that waits for it.

Train's own way to Tune (`TuneReportCallback`) hands a report over in the thread that Tune asks for results. Where the
trial itself reports before the driver has taken the last epoch, that thread waits for itself, and the stack for ever.
Here the trial fetches reports and hands them over itself, one after another, and there is no process between the two.
"""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator
from typing import Any

from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_get, _internal_kv_put
from ray.train import UserCallback

from panda_ray.training.engine.epoch_report import EpochReport

FIELD = "report"
"""Of what the workers hand to Train."""


class Reporting(UserCallback):
    """In the process that leads a group: lays down what rank 0 reports.

    Args:
        group: its id.
    """

    def __init__(self, group: str) -> None:
        self._group = group
        self._count = 0

    def after_report(self, run_context: Any, metrics: list[dict[str, Any]], checkpoint: Any) -> None:
        _internal_kv_put(_key(self._group, self._count), pickle.dumps(metrics[0][FIELD]))
        self._count += 1


class Reports:
    """In the trial: what a group has reported, in its order.

    Args:
        group: its id.
    """

    def __init__(self, group: str) -> None:
        self._keys = (_key(group, number) for number in itertools.count())
        self._next = next(self._keys)

    def new(self) -> Iterator[EpochReport]:
        """Those that were not taken yet."""
        while (said := _internal_kv_get(self._next)) is not None:
            _internal_kv_del(self._next)
            self._next = next(self._keys)
            report: EpochReport = pickle.loads(said)
            yield report


def _key(group: str, number: int) -> bytes:
    return f"panda_ray/group/{group}/reports/{number}".encode()
