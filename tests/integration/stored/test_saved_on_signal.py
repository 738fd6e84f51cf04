"""A run that a signal ends has saved what it was at: the next one repeats no step, whatever ran the stacks."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pytest
import torch

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.run_plan import Runner, run_plan
from panda_ray.sweep import Sweep
from panda_ray.training.engine.epoch_report import EpochReport
from support.sweeps.small_sweeps import contents, planned, run_inline, small_sweep

EPOCHS, STEPS_PER_EPOCH = 60, 3


class Signaller(Listener):
    """Ends the run in the middle of the first stack that transfers."""

    def __init__(self) -> None:
        self.stack: Stack | None = None

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if self.stack is None and stack.members[0].method == "pot" and report.epoch == 6:
            self.stack = stack
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(
    ("runner", "latest"),
    [
        pytest.param(InlineRunner(), 6 * STEPS_PER_EPOCH + 1, id="inline"),
        # A worker hears of it within half a second, and trains on meanwhile.
        pytest.param(RayTuneRunner(), EPOCHS * STEPS_PER_EPOCH - 1, id="ray", marks=[pytest.mark.slow]),
    ],
)
def test_a_signal_saves_what_runs_and_the_next_run_goes_on_from_there(
    tmp_path: Path, runner: Runner, latest: int
) -> None:
    plan, store = planned(sweep(tmp_path / "ended"))
    signaller = Signaller()
    summary = run_plan(plan, Costs.in_store(plan, store), store, runner, [signaller])
    assert summary.interrupted == "terminated (SIGTERM)"
    assert not summary.failed
    assert summary.preemptions == 0
    assert not list((tmp_path / "ended").glob("leases/*"))
    assert signaller.stack is not None
    saved = store.checkpoints.of(signaller.stack.keys).load()
    assert saved is not None
    step = torch.load(io.BytesIO(saved), weights_only=True)["step"]
    assert 6 * STEPS_PER_EPOCH < step <= latest
    run_inline(sweep(tmp_path / "ended"))
    run_inline(sweep(tmp_path / "quiet"))
    assert contents(tmp_path / "ended") == contents(tmp_path / "quiet")


def sweep(storage: Path) -> Sweep:
    """What is saved within the test is saved because somebody asked for it."""
    return small_sweep(
        storage,
        sources=["review"],
        methods=["prompt_tuning", "pot"],
        metrics=[],
        training={"epochs": EPOCHS, "prompt_len": 4, "batch_size": 16},
        tasks={task: {"max_train_rows": 48, "max_dev_rows": 24} for task in ("review", "remark")},
        resources={"checkpoint_seconds": 1e6},
    )
