"""A stack on two Train workers inside of a Tune trial: the numbers of one process, also when a worker dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from panda_ray.execution.events import Listener
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners import ray_decisions
from panda_ray.execution.runners.ray_cluster import ray_cluster
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.temporary import temporary_folder
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import PROMPT_FILE
from panda_ray.execution.work.host import this_host
from panda_ray.execution.work.workspace import Settings
from panda_ray.prompts.prompt import Prompt
from panda_ray.training.engine.epoch_report import EpochReport
from support.processes.driving import workers_of
from support.processes.spreading import TRAINING, Spread, few
from support.sweeps.small_sweeps import contents, planned, run_inline, small_sweep
from support.sweeps.steerings import Stopper

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

EPOCHS = 6
"""Of which two are behind a worker that dies."""


@pytest.fixture(scope="module")
def local_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Ray on this machine that several runs use."""
    with temporary_folder() as folder, ray_cluster(None, Settings.of(small_sweep(folder)), folder):
        yield


class OneWorkerKiller(Listener):
    """Kills one of the two workers in the middle, and notes how the stack went on."""

    def __init__(self) -> None:
        self.starts = 0
        self.lost: list[str] = []
        self.epochs_after: list[int] = []

    def on_stack_started(self, stack: Stack) -> None:
        self.starts += stack.workers == 2

    def on_lost(self, stack: Stack, reason: str) -> None:
        self.lost.append(reason)

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if stack.workers == 2 and self.starts == 2:
            self.epochs_after.append(report.epoch)
        elif stack.workers == 2 and report.epoch == 3:
            first, _ = workers_of(os.getpid(), "RayTrainWorker")
            os.kill(first, signal.SIGKILL)


def test_a_stack_on_two_workers_survives_the_death_of_one_and_has_the_numbers_of_one_process(
    local_ray: None, tmp_path: Path
) -> None:
    run_inline(few(tmp_path / "alone", EPOCHS))
    killer = OneWorkerKiller()
    plan, store = planned(few(tmp_path / "spread", EPOCHS))
    dispatch = Spread(plan, "panda", killer)
    RayTuneRunner().run(dispatch, store, Settings.of(plan.sweep))
    assert dispatch.summary().complete
    assert killer.starts == 2
    assert killer.lost == [f"a worker on {this_host()} died"]
    assert min(killer.epochs_after) > 1, "it started over instead of continuing from its checkpoint"
    assert max(killer.epochs_after) == EPOCHS
    assert not list((tmp_path / "spread").glob("checkpoints/*"))
    alone = contents(tmp_path / "alone")
    for key, (score, files) in contents(tmp_path / "spread").items():
        if plan.units[key].method == "panda":
            assert files[PROMPT_FILE] != alone[key][1][PROMPT_FILE], "the same bits: each worker trained on everything"
            assert score == pytest.approx(alone[key][0], abs=1e-4)
            assert_close(store, Store(str(tmp_path / "alone")), key)
        else:
            assert (score, files) == alone[key]


def test_a_member_that_the_driver_stops_is_stopped_on_both_workers(local_ray: None, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"sources": ["remark"], "methods": ["prompt_tuning"], "metrics": [], "seeds": [1, 2]}
    plan, store = planned(small_sweep(tmp_path, **changes, training=TRAINING | {"epochs": EPOCHS}))
    (stack,) = plan.stacks
    first, second = plan.units
    assert stack.keys == (first, second)
    stopper = Stopper([first], 2)
    dispatch = Spread(plan, "prompt_tuning", Listener(), stopper)
    RayTuneRunner().run(dispatch, store, Settings.of(plan.sweep))
    assert dispatch.summary().stopped == {first}
    assert [past.epoch for past in stopper.heard[first].history] == [1, 2]
    record = store.known(second)
    assert (record["workers"], len(record["history"])) == (2, EPOCHS)


def test_a_worker_waits_for_a_silent_driver_no_longer_than_its_bound(
    local_ray: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_decisions, "WAIT_SECONDS", 0.5)
    decisions = ray_decisions.Decisions("driver", "stack")
    began = time.monotonic()
    assert decisions.wait(1) == []
    assert 0.5 <= time.monotonic() - began < 5
    decisions.post(1, {"a key"})
    assert decisions.wait(2) == [], "what is said of an epoch is for that one"
    assert decisions.wait(1) == ["a key"]
    assert decisions.wait(1) == [], "nothing is left behind"


def test_a_bug_in_a_worker_of_a_group_shows_its_own_traceback(local_ray: None, tmp_path: Path) -> None:
    plan, store = planned(small_sweep(tmp_path, sources=["remark"], methods=["prompt_tuning"], metrics=[]))
    settings = replace(Settings.of(plan.sweep), backbone_paths=())
    with pytest.raises(RuntimeError, match=r"(?s)on 2 workers failed in its worker.*KeyError: 'builtin-tiny'"):
        RayTuneRunner().run(Spread(plan, "prompt_tuning", Listener()), store, settings)


def assert_close(store: Store, other: Store, key: str) -> None:
    """The same prompt and head but for rounding."""
    ours, theirs = (Prompt.from_bytes(each.read_file(key, PROMPT_FILE)).tensors() for each in (store, other))
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=1e-3, atol=1e-4)
