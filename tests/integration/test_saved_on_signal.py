"""A run that a signal ends has saved what it was at: the next one repeats no step."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import torch

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.runners.run_plan import run_plan
from panda_ray.training.engine.stacked import EpochReport
from support.small_sweeps import LONG, contents, planned, run_inline, small_sweep

SELDOM = {"checkpoint_seconds": 1e6}
"""What is saved within a test is saved because somebody asked for it."""
STEPS_PER_EPOCH = 3


class Signaller(Listener):
    """Ends the run in the middle of the first stack that transfers."""

    def __init__(self) -> None:
        self.stack: Stack | None = None

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if self.stack is None and stack.members[0].method == "pot" and report.epoch == 6:
            self.stack = stack
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_saves_what_runs_and_the_next_run_goes_on_from_there(quiet_long: Path, tmp_path: Path) -> None:
    plan, store = planned(small_sweep(tmp_path, training=LONG, resources=SELDOM))
    signaller = Signaller()
    summary = run_plan(plan, Costs.in_store(plan, store), store, InlineRunner(), [signaller])
    assert summary.interrupted == "terminated (SIGTERM)"
    assert not summary.failed
    assert not list(tmp_path.glob("leases/*"))
    assert signaller.stack is not None
    saved = store.checkpoints.of(signaller.stack.keys).load()
    assert saved is not None
    step = torch.load(io.BytesIO(saved), weights_only=True)["step"]
    assert step == 6 * STEPS_PER_EPOCH + 1
    run_inline(small_sweep(tmp_path, training=LONG))
    assert contents(tmp_path) == contents(quiet_long)
