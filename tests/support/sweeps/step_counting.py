"""Optimiser steps counted across processes: a byte for each in the file that the environment names."""

from __future__ import annotations

import os
from pathlib import Path

from panda_ray.training.engine.stack.optimizer import StackedAdamW

STEPS_FILE = "PANDA_RAY_TEST_STEPS"


def count_steps() -> None:
    """Count in this process from now on; Ray calls it in each worker."""
    step = StackedAdamW.step

    def counted(self: StackedAdamW, factor: float) -> None:
        step(self, factor)
        with Path(os.environ[STEPS_FILE]).open("ab") as file:
            file.write(b".")

    StackedAdamW.step = counted  # type: ignore[method-assign]
