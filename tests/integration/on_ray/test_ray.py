"""Stacks on a real local Ray: the same bytes as in one process, whatever dies on the way."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from ray.experimental.internal_kv import _internal_kv_get

from panda_ray.errors import InputError
from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.ray_leaving import lost_workers, signs_of_life
from panda_ray.execution.runners.ray_tune import RayTuneRunner
from panda_ray.execution.runners.run_plan import Runner, run_plan
from panda_ray.execution.scheduling.dispatcher import Dispatch
from panda_ray.execution.store.store import Store
from panda_ray.execution.work.host import this_host
from panda_ray.execution.work.workspace import Settings
from panda_ray.sweep import Sweep
from panda_ray.training.engine.epoch_report import EpochReport
from support.processes.driving import driver, small_disk, wait_for, workers_of
from support.sweeps.census import SLOTS, STACKS, Census, Murderer, check_that_it_forgot, run_observed
from support.sweeps.small_sweeps import LONG, contents, fingerprints, planned, run_inline, small_sweep

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

STEPS_PER_EPOCH = 3


class Started(Listener):
    """Notes the stacks that ran."""

    def __init__(self) -> None:
        self.widths: list[int] = []

    def on_stack_started(self, stack: Stack) -> None:
        if stack.members[0].config is not None:
            self.widths.append(len(stack.members))


def test_while_it_goes_on_a_driver_holds_no_trial_actor_or_stack_of_what_is_finished(
    local_ray: None, tmp_path: Path
) -> None:
    census = Census()
    assert run_observed(tmp_path, census).complete
    check_that_it_forgot(census)


def test_members_of_a_stack_that_was_cut_all_get_results(
    local_ray: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trainings are as short as ever; the schedule is told that they take hours, which no test can afford."""

    def hours(self: Costs, stack: Stack, workers: int) -> float:
        return 3600.0 * (0.1 + len(stack.members)) if stack.members[0].config is not None else 1.0

    monkeypatch.setattr(Costs, "expected", hours)
    plan, store = planned(small_sweep(tmp_path, resources={"cpus_per_stack": 0.5, "checkpoint_seconds": 0.05}))
    started = Started()
    summary = run_plan(plan, Costs.in_store(plan, store), store, RayTuneRunner(), [started])
    assert summary.complete
    # Which of them are cut depends on which are believed to run for hours at that moment.
    packed = [len(stack.members) for stack in plan.stacks if stack.members[0].config is not None]
    assert len(started.widths) > len(packed), "on four slots, two hours for two members are too long"
    assert sum(started.widths) == sum(packed)
    assert contents(tmp_path).keys() == plan.units.keys()
    again, _ = planned(plan.sweep)
    assert not again.stacks
    assert not list(tmp_path.glob("checkpoints/*"))


class Signaller(Listener):
    """Ends the run in the middle of the first stack that transfers."""

    def __init__(self) -> None:
        self.stack: Stack | None = None

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if self.stack is None and stack.members[0].method == "pot" and report.epoch == 6:
            self.stack = stack
            os.kill(os.getpid(), signal.SIGTERM)


def saving_when_asked(storage: Path, epochs: int) -> Sweep:
    """What is saved within the test is saved because somebody asked for it."""
    return small_sweep(
        storage,
        sources=["review"],
        methods=["prompt_tuning", "pot"],
        metrics=[],
        training=LONG | {"epochs": epochs},
        resources={"checkpoint_seconds": 1e6},
    )


@pytest.mark.parametrize(
    ("runner", "epochs", "latest"),
    [
        pytest.param("inline", 9, 6 * STEPS_PER_EPOCH + 1, id="inline"),
        # A worker hears of it within half a second, and trains on meanwhile.
        pytest.param("ray", 60, 60 * STEPS_PER_EPOCH - 1, id="ray"),
    ],
    indirect=["runner"],
)
def test_a_signal_saves_what_runs_and_the_next_run_goes_on_from_there(
    tmp_path: Path, runner: Runner, epochs: int, latest: int
) -> None:
    plan, store = planned(saving_when_asked(tmp_path / "ended", epochs))
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
    run_inline(saving_when_asked(tmp_path / "ended", epochs))
    run_inline(saving_when_asked(tmp_path / "quiet", epochs))
    assert contents(tmp_path / "ended") == contents(tmp_path / "quiet")


def test_a_full_disk_ends_a_run_with_a_sentence(local_ray: None, tmp_path: Path) -> None:
    with small_disk(tmp_path):
        plan, store = planned(small_sweep(tmp_path))
        summary = run_plan(plan, Costs.in_store(plan, store), store, RayTuneRunner())
        assert summary.interrupted is not None
        assert summary.interrupted.startswith("no space left")
        assert 0 < len(summary.new) < len(plan.units)


def test_a_bug_in_a_worker_shows_its_own_traceback(local_ray: None, tmp_path: Path) -> None:
    class Forgetful(RayTuneRunner):
        def run(self, dispatch: Dispatch, store: Store, settings: Settings) -> None:
            super().run(dispatch, store, replace(settings, backbone_paths=()))

    plan, store = planned(small_sweep(tmp_path))
    with pytest.raises(RuntimeError, match=r"(?s)prompt_tuning -> .*KeyError: 'builtin-tiny'"):
        run_plan(plan, Costs.in_store(plan, store), store, Forgetful())


def test_a_ray_of_this_machine_starts_no_scaler_no_reader_of_logs_and_no_api_server(local_ray: None) -> None:
    started = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # one that has ended meanwhile
            started.append(" ".join(process.cmdline()))
    assert any("gcs_server" in command for command in started)
    assert not [command for command in started if re.search(r"/(monitor|log_monitor|dashboard)\.py ", command)]


def test_a_stack_that_no_machine_can_hold_is_refused_at_once(local_ray: None, tmp_path: Path) -> None:
    plan, store = planned(small_sweep(tmp_path, resources={"cpus_per_stack": 1000}))
    with pytest.raises(InputError, match="cpus_per_stack"):
        run_plan(plan, Costs.in_store(plan, store), store, RayTuneRunner())


def test_a_stack_that_failed_with_its_worker_is_forgotten_too_and_the_others_are_done(
    local_ray: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_workers, "MAX_DEATHS", 0)
    census = Murderer()
    summary = run_observed(tmp_path, census)
    assert 1 <= len(summary.failed) <= SLOTS
    assert all("worker died" in cause for cause in summary.failed.values())
    assert len(summary.new) == STACKS - len(summary.failed)
    assert summary.interrupted is None
    check_that_it_forgot(census)


class WorkerKiller(Listener):
    """Kills every worker in the middle of the first stack that transfers, and notes how that stack went on."""

    def __init__(self) -> None:
        self.victim: Stack | None = None
        self.starts = 0
        self.lost: list[str] = []
        self.epochs_after: list[int] = []

    def on_stack_started(self, stack: Stack) -> None:
        self.starts += stack == self.victim

    def on_lost(self, stack: Stack, reason: str) -> None:
        self.lost += [reason] if stack == self.victim else []

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if self.victim is None and stack.members[0].method == "pot" and report.epoch == 6:
            self.victim = stack
            for worker in workers_of(os.getpid()):
                os.kill(worker, signal.SIGKILL)
        elif stack == self.victim and self.starts:
            self.epochs_after.append(report.epoch)


def test_killed_workers_are_replaced_and_the_result_is_that_of_the_inline_runner(
    local_ray: None, quiet_long: Path, tmp_path: Path
) -> None:
    killer = WorkerKiller()
    plan, store = planned(small_sweep(tmp_path, training=LONG))
    summary = run_plan(plan, Costs.in_store(plan, store), store, RayTuneRunner(), [killer])
    assert summary.complete
    assert killer.starts == 1
    assert killer.lost == [f"its process on {this_host()} died"]
    assert min(killer.epochs_after) > 1, "it started over instead of continuing from its checkpoint"
    assert contents(tmp_path) == contents(quiet_long)
    assert not list(tmp_path.glob("checkpoints/*"))


class Stopper(Listener):
    """Stops the process of the first stack that transfers, in its middle: it lives and does nothing.

    Others may be slow to give a sign on a busy machine, so the bound is short only until that one has been ended.
    """

    def __init__(self, driver: str) -> None:
        self._driver = driver
        self._bound = signs_of_life.SILENT_SECONDS
        self.victim: Stack | None = None
        self.lost: list[str] = []
        self.epochs_after: list[int] = []

    def on_lost(self, stack: Stack, reason: str) -> None:
        if stack == self.victim:
            self.lost.append(reason)
            signs_of_life.SILENT_SECONDS = self._bound

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if self.victim is None and stack.members[0].method == "pot" and report.epoch == 6:
            self.victim = stack
            sign = _internal_kv_get(f"panda_ray/{self._driver}/{stack.id}/alive")
            os.kill(json.loads(sign)["owner"]["pid"], signal.SIGSTOP)
            signs_of_life.SILENT_SECONDS = 15.0
        elif stack == self.victim and self.lost:
            self.epochs_after.append(report.epoch)


def test_a_process_that_stands_still_is_ended_and_its_stack_goes_on(
    local_ray: None, quiet_long: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signs_of_life, "SILENT_SECONDS", signs_of_life.SILENT_SECONDS)  # and put it back
    plan, store = planned(small_sweep(tmp_path, training=LONG))
    stopper = Stopper(store.leases.driver)
    summary = run_plan(plan, Costs.in_store(plan, store), store, RayTuneRunner(), [stopper])
    assert summary.complete
    assert stopper.lost == [f"its process on {this_host()} stood still for 10 minutes and was ended"]
    assert min(stopper.epochs_after) > 1, "it started over instead of continuing from its checkpoint"
    assert contents(tmp_path) == contents(quiet_long)


def test_a_killed_driver_takes_its_workers_along_and_another_runner_continues(quiet_long: Path, tmp_path: Path) -> None:
    with driver(tmp_path, "ray") as process:
        wait_for(process, "epoch pot 6")
        workers = workers_of(process.pid)
        assert workers
        process.kill()
        process.wait(timeout=240)
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "workers outlived their driver"
        time.sleep(0.1)
    finished = fingerprints(tmp_path)
    assert finished
    run_inline(small_sweep(tmp_path, training=LONG))
    assert contents(tmp_path) == contents(quiet_long)
    assert finished.items() <= fingerprints(tmp_path).items()
