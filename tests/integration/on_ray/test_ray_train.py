"""A training that begins on one worker, goes on with two and loses one: the numbers of one process."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import ray
import torch
from ray import tune
from ray.experimental.internal_kv import _internal_kv_list
from ray.train import ControllerError, FailureConfig, RunConfig, ScalingConfig
from ray.train._internal.storage import StorageContext
from ray.tune.trainable.function_trainable import wrap_function

from panda_ray.execution.events import Listener
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners import ray_decisions
from panda_ray.execution.runners.ray_decisions import WAIT_SECONDS, Decisions
from panda_ray.execution.runners.ray_group.connect import HostsConfig
from panda_ray.execution.runners.ray_group.one_group import _reported
from panda_ray.execution.runners.ray_group.reports import FIELD
from panda_ray.execution.runners.ray_group.start_limit import StartLimit, forget_lateness, was_late
from panda_ray.execution.runners.ray_group.trainer import GroupTrainer
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.scheduling.shapes import running_stacks
from panda_ray.execution.store.sealed import Record
from panda_ray.execution.store.store import Store
from panda_ray.execution.units.artifacts import PROMPT_FILE
from panda_ray.execution.work.host import this_host
from panda_ray.execution.work.workspace import Settings
from panda_ray.prompts.prompt import Prompt
from panda_ray.sweep import Sweep
from panda_ray.training.engine.epoch_report import EpochReport
from support.processes.driving import workers_of
from support.processes.spreading import FEW, TRAINING, Ended, Patient
from support.sweeps.small_sweeps import contents, planned, run_inline, small_sweep
from support.sweeps.steerings import Stopper

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

EPOCHS, STOPPED, KILLED = 6, 3, 4
"""How long a training is; after which epoch one of its two members is stopped, and one of its two workers is killed."""

HOUR = 3600.0


def two_stacks(storage: Path) -> Sweep:
    """PanDa, and prompts of the target beside it; two members each."""
    training = TRAINING | {"epochs": EPOCHS}
    resources = {"checkpoint_seconds": 0.05, "max_workers": 2}
    return small_sweep(storage, **FEW, metrics=[], seeds=[1, 2], training=training, resources=resources)


def seconds(stack: Stack, workers: int) -> float:
    """The schedule is told of hours; more workers are of use to PanDa alone, and the prompts beside it take longer."""
    return 2 * HOUR if stack.members[0].method != "panda" else 0.75 * HOUR * len(stack.members) / workers


@dataclass
class Watch(Listener):
    """Notes how PanDa's stack goes on, and kills one of its two workers.

    Attributes:
        started: its workers at each start.
        epochs: which ones each start has reported.
    """

    started: list[int] = field(default_factory=list)
    epochs: list[list[int]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def on_stack_started(self, stack: Stack) -> None:
        if stack.members[0].method == "panda":
            self.started.append(stack.workers)
            self.epochs.append([])

    def on_lost(self, stack: Stack, reason: str) -> None:
        self.lost.append(reason)

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if stack.members[0].method != "panda":
            return
        self.epochs[-1].append(report.epoch)
        if report.epoch == KILLED and not self.lost:
            first, _ = workers_of(os.getpid(), "RayTrainWorker")
            os.kill(first, signal.SIGKILL)


@dataclass(frozen=True)
class Ran:
    """A run on Ray, and the store of one process that trained the same."""

    dispatch: Patient
    watch: Watch
    stopper: Stopper
    store: Store
    alone: Store

    def key(self, seed: int) -> str:
        (key,) = (key for key, unit in self.dispatch.plan.units.items() if (unit.method, unit.seed) == ("panda", seed))
        return key

    @property
    def record(self) -> Record:
        """Of the member that was trained to its end."""
        return self.store.known(self.key(2))


@pytest.fixture(scope="module")
def ran(local_ray: None, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    alone, storage = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("spread") / "store"
    plan = run_inline(two_stacks(alone))
    shutil.copytree(alone, storage)
    for key, unit in plan.units.items():
        if unit.method == "panda" or (unit.method, unit.task) == ("prompt_tuning", "remark"):
            shutil.rmtree(storage / "units" / key[:2] / key)
    plan, store = planned(two_stacks(storage))
    assert sorted(len(stack.todo) for stack in plan.stacks) == [2, 2]
    watch = Watch()
    stopper = Stopper([key for key, unit in plan.units.items() if (unit.method, unit.seed) == ("panda", 1)], STOPPED)
    dispatch = Patient(plan, seconds, watch, stopper, store)
    post = Decisions.post

    def later(self: Decisions, epoch: int, stopping: Collection[str]) -> None:
        def wait_and_post() -> None:
            dispatch.may_go_on.wait()
            post(self, epoch, stopping)

        threading.Thread(target=wait_and_post, daemon=True).start()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Decisions, "post", later)
        patched.setattr(running_stacks, "RESTART_SECONDS", 0.1)  # for a training of seconds
        RayTuneRunner().run(dispatch, store, Settings.of(plan.sweep))
    return Ran(dispatch, watch, stopper, store, Store(str(alone)))


def test_a_training_beside_another_one_goes_on_with_its_slot_when_that_has_ended(ran: Ran) -> None:
    assert ran.watch.started[:2] == [1, 2]
    assert [larger.workers for larger in ran.dispatch.asked] == [2], "and never again"
    assert ran.watch.epochs[0] == [1]
    assert ran.watch.epochs[1][0] == 2, "it started over instead of continuing from its checkpoint"
    assert (ran.record["workers"], ran.record["shapes"]) == (2, [1, 2])
    assert ran.dispatch.summary().preemptions == 0
    assert ran.dispatch.summary().complete


def test_a_stack_on_two_workers_survives_the_death_of_one(ran: Ran) -> None:
    assert ran.watch.started[2:] == [2]
    assert ran.watch.lost == [f"a worker on {this_host()} died"]
    assert min(ran.watch.epochs[2]) >= KILLED, "it started over instead of continuing from its checkpoint"
    assert max(ran.watch.epochs[2]) == EPOCHS


def test_a_member_that_the_driver_stops_is_stopped_on_both_workers(ran: Ran) -> None:
    stopped = ran.key(1)
    assert ran.dispatch.summary().stopped == {stopped}
    assert [past.epoch for past in ran.stopper.heard[stopped].history] == [*range(1, STOPPED + 1)]
    assert len(ran.record["history"]) == EPOCHS
    assert ran.store.done_keys() == ran.dispatch.plan.units.keys() - {stopped}
    assert not list(Path(ran.store.url).glob("checkpoints/*"))


def test_whoever_trains_it_a_member_has_the_numbers_of_one_process(ran: Ran) -> None:
    alone = contents(Path(ran.alone.url))
    for key, (score, files) in contents(Path(ran.store.url)).items():
        if key != ran.key(2):
            assert (score, files) == alone[key]
            continue
        assert files[PROMPT_FILE] != alone[key][1][PROMPT_FILE], "the same bits: each worker trained on everything"
        assert score == pytest.approx(alone[key][0], abs=1e-4)
        assert_close(ran.store, ran.alone, key)


def test_a_worker_waits_for_a_silent_driver_no_longer_than_its_bound(
    local_ray: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_decisions, "WAIT_SECONDS", 0.5)
    decisions = ray_decisions.Decisions("driver", "stack")
    began = time.monotonic()
    assert decisions.wait(1) == []
    assert 0.5 <= time.monotonic() - began < WAIT_SECONDS / 2
    decisions.post(1, {"a key"})
    assert decisions.wait(2) == [], "what is said of an epoch is for that one"
    assert decisions.wait(1) == ["a key"]
    assert decisions.wait(1) == [], "nothing is left behind"


def assert_close(store: Store, other: Store, key: str) -> None:
    """The same prompt and head but for rounding."""
    ours, theirs = (Prompt.from_bytes(each.read_file(key, PROMPT_FILE)).tensors() for each in (store, other))
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("error", [None, RuntimeError("lost")])
def test_reports_of_a_group_that_has_ended_reach_a_late_driver_in_their_order_before_what_it_gave(
    local_ray: None, tmp_path: Path, error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_CHDIR_TO_TRIAL_DIR", "0")  # the trial is in this process

    def trial(config: dict[str, Any]) -> None:
        try:
            tune.report({"ended": _reported(Ended("late", error), "late")})
        except RuntimeError as lost:
            tune.report({"ended": str(lost)})

    trainable = wrap_function(trial)(storage=StorageContext(str(tmp_path), "late", trial_dir_name="trial"))
    results = [trainable.train() for _ in range(4)]
    trainable.stop()
    assert [result[FIELD].epoch for result in results[:3]] == [1, 2, 3]
    assert results[3]["ended"] == ("outcomes" if error is None else "lost")
    assert not _internal_kv_list("panda_ray/group/late/")


def test_a_group_that_is_not_connected_in_time_is_ended_and_gives_its_slots_back(
    local_ray: None, tmp_path: Path
) -> None:
    callbacks: Any = [StartLimit("never", 0.5)]  # no process has imported PyTorch by then
    never_again: Any = FailureConfig
    never_again = never_again(max_failures=0, controller_failure_limit=0)
    trainer: Any = GroupTrainer
    trainer = trainer(
        lambda config: None,
        train_loop_config={},
        torch_config=HostsConfig(backend="gloo", group="never"),
        scaling_config=ScalingConfig(num_workers=2, resources_per_worker={"CPU": 0.5}),
        run_config=RunConfig(name="run", storage_path=str(tmp_path), callbacks=callbacks, failure_config=never_again),
    )
    before = ray.cluster_resources()["CPU"]
    with (
        pytest.raises(ControllerError),
        ThreadPoolExecutor(1) as pool,
    ):  # in the main thread Train keeps SIGINT for itself
        pool.submit(trainer.fit).result()
    assert was_late("never")
    assert not was_late("another")
    forget_lateness("never")
    assert not was_late("never")
    while ray.available_resources().get("CPU") != before:  # as soon as its workers are gone
        time.sleep(0.1)
