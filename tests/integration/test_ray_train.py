"""A stack on two Train workers inside of a Tune trial: the numbers of one process, also when a worker dies."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from driving import workers_of
from small_sweeps import LONG, contents, planned, run_inline, small_sweep

from panda_ray.execution.dispatch import Dispatch
from panda_ray.execution.events import Listener
from panda_ray.execution.ray_tune import RayTuneRunner
from panda_ray.execution.record import PROMPT_FILE
from panda_ray.execution.run import run_plan
from panda_ray.execution.stack import Stack
from panda_ray.execution.store import Store
from panda_ray.execution.workspace import Settings
from panda_ray.prompts.prompt import Prompt
from panda_ray.training.stacked import EpochReport

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

TRAINING = LONG | {"dropout": 0.0}
"""Without dropout, because its draws differ between workers."""


class Spread(Dispatch):
    """Gives two workers to the stack with a teacher, and one to every other."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._whole = dispatch

    def __getattribute__(self, name: str) -> Any:
        whole = object.__getattribute__(self, "_whole")
        return object.__getattribute__(self, name) if name in ("next", "__getstate__") else getattr(whole, name)

    def next(self, *slots: int | None) -> Stack | None:
        stack = object.__getattribute__(self, "_whole").next(*slots)
        return replace(stack, workers=2) if stack is not None and stack.members[0].method == "panda" else stack


class SpreadRunner(RayTuneRunner):
    def run(self, dispatch: Dispatch, store: Store, settings: Settings) -> None:
        super().run(Spread(dispatch), store, settings)


class OneWorkerKiller(Listener):
    """Kills one of the two workers in the middle, and notes how the stack went on."""

    def __init__(self) -> None:
        self.starts = 0
        self.epochs: list[int] = []

    def on_stack_started(self, stack: Stack) -> None:
        self.starts += stack.workers == 2

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if stack.workers == 2:
            self.epochs.append(report.epoch)
            if self.starts == 1 and report.epoch == 6:
                first, _ = workers_of(os.getpid(), "RayTrainWorker")
                os.kill(first, signal.SIGKILL)


def test_a_stack_on_two_workers_survives_the_death_of_one_and_has_the_numbers_of_one_process(tmp_path: Path) -> None:
    run_inline(small_sweep(tmp_path / "alone", training=TRAINING))
    killer = OneWorkerKiller()
    plan, store = planned(small_sweep(tmp_path / "spread", training=TRAINING))
    assert run_plan(plan, store, SpreadRunner(), [killer]).complete
    assert killer.starts == 2
    restarted = killer.epochs.index(min(killer.epochs[6:]), 6)
    assert 1 < killer.epochs[restarted] <= 7, "it started over instead of continuing from its checkpoint"
    assert killer.epochs[-1] == TRAINING["epochs"]
    assert not list((tmp_path / "spread").glob("checkpoints/*"))
    alone = contents(tmp_path / "alone")
    for key, (score, files) in contents(tmp_path / "spread").items():
        if plan.units[key].method == "panda":
            assert score == pytest.approx(alone[key][0], abs=1e-4)
            assert_close(store, Store(str(tmp_path / "alone")), key)
        else:
            assert (score, files) == alone[key]


def assert_close(store: Store, other: Store, key: str) -> None:
    """The same prompt and head but for rounding."""
    ours, theirs = (Prompt.from_bytes(each.read_file(key, PROMPT_FILE)).tensors() for each in (store, other))
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=1e-3, atol=1e-4)
