"""What a driver hears of the machine that a stack trains on, on its way to MLflow."""

from __future__ import annotations

from typing import NamedTuple

from panda_ray.execution.planning.stack import Stack
from panda_ray.training.engine.epoch_report import Usage


class StackUsage(NamedTuple):
    """What the machine of a stack did since it was heard of last."""

    stack: Stack
    samples: tuple[Usage, ...]
