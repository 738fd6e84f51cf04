"""Runs that are steered, in one process and on a real Ray: what is proposed on the way, and who is stopped."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from panda_ray.execution.costs.costs import Costs
from panda_ray.execution.events import Listener, RunSummary
from panda_ray.execution.planning.plan import Plan
from panda_ray.execution.planning.stack import Stack
from panda_ray.execution.runners.inline import InlineRunner
from panda_ray.execution.runners.run_plan import Runner, run_plan
from panda_ray.execution.steering import Steering
from panda_ray.execution.store.store import Store
from panda_ray.training.engine.epoch_report import EpochReport
from support.processes.driving import driver, wait_for
from support.sweeps.runners import RUNNERS
from support.sweeps.small_sweeps import LONG, contents, fingerprints, planned, run_inline, small_sweep
from support.sweeps.steerings import Steps, Stopper, nothing_of


def run(plan: Plan, store: Store, runner: Runner, steering: Steering, *listeners: Listener) -> RunSummary:
    return run_plan(plan, Costs.of(plan, ()), store, runner, listeners, steering)


class Epochs(Listener):
    """The members that each epoch of the trainings of one method had scores of."""

    def __init__(self, method: str) -> None:
        self.seen: list[tuple[int, frozenset[str]]] = []
        self._method = method

    def on_epoch(self, stack: Stack, report: EpochReport) -> None:
        if stack.members[0].method == self._method:
            self.seen.append((report.epoch, frozenset(report.scores)))


def test_a_run_that_grows_from_nothing_has_the_results_of_a_fixed_plan(
    quiet: Path, tmp_path: Path, runner: Runner
) -> None:
    whole, store = planned(small_sweep(tmp_path))
    steps = Steps(whole)
    summary = run(nothing_of(whole), store, runner, steps)
    assert summary.complete
    assert summary.plan.units.keys() == summary.new == steps.heard.keys() == whole.units.keys()
    assert contents(tmp_path).keys() == contents(quiet).keys()
    assert not list(tmp_path.glob("checkpoints/*"))
    again = Steps(whole)
    assert run(nothing_of(whole), store, runner, again).new == frozenset()
    assert again.heard == steps.heard, "what the store has counts as done at once"


def test_a_stopped_member_has_no_result_and_the_others_have_theirs(quiet: Path, tmp_path: Path, runner: Runner) -> None:
    plan, store = planned(small_sweep(tmp_path))
    pots = [key for key, unit in plan.units.items() if unit.method == "pot"]
    stopper, epochs = Stopper(pots[:1], 2), Epochs("pot")
    summary = run(plan, store, runner, stopper, epochs)
    assert summary.stopped == {pots[0]}
    assert summary.complete
    assert summary.done == plan.units.keys() - {pots[0]}
    assert epochs.seen == [(1, frozenset(pots)), (2, frozenset(pots)), (3, frozenset(pots[1:]))]
    outcome = stopper.heard[pots[0]]
    assert (outcome.status, outcome.error) == ("stopped", None)
    assert [past.epoch for past in outcome.history] == [1, 2]
    left = store.known(pots[1])
    assert outcome.seconds - left["training_seconds"] * 2 / 3 == pytest.approx(
        left["seconds"] - left["training_seconds"]
    ), "two of five epochs of members, and half of the start"
    expected = contents(quiet)
    whole = [epoch["score"] for epoch in Store(str(quiet)).known(pots[0])["history"]]
    assert [past.score for past in outcome.history] == whole[:2]
    assert store.record(pots[0]) is None
    assert store.failures.read(pots[0]) is None
    assert not list(tmp_path.glob("checkpoints/*"))
    assert contents(tmp_path).keys() == expected.keys() - {pots[0]}
    later, _ = planned(plan.sweep)
    assert {unit.key for stack in later.stacks for unit in stack.todo} == {pots[0]}, "a later run trains all of it"
    assert run(later, store, runner, Steering()).new == {pots[0]}
    assert len(store.known(pots[0])["history"]) == 3


def test_a_stopped_unit_blocks_what_needs_it(tmp_path: Path, runner: Runner) -> None:
    plan, store = planned(small_sweep(tmp_path))
    teachers = [key for key, role in plan.role_of.items() if role == "teacher"]
    # A teacher is trained for one epoch, after which nobody is stopped: the prompts behind it are.
    sources = [key for key, role in plan.role_of.items() if role == "source"]
    summary = run(plan, store, runner, Stopper(sources[:1], 1))
    assert summary.stopped == {sources[0]}
    assert set(summary.blocked.values()) == {sources[0]}
    assert teachers[0] in summary.blocked
    assert teachers[1] in summary.done


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNNERS)
def test_a_steered_run_that_is_killed_goes_on_where_it_was(tmp_path: Path, name: str) -> None:
    """Kill -9 of the driver after the stop of a member, whose stack goes on from its checkpoint without it."""
    with driver(tmp_path, name, steered=True) as process:  # type: ignore[arg-type]
        wait_for(process, "epoch pot 6")
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    finished = fingerprints(tmp_path)
    whole, store = planned(small_sweep(tmp_path, training=LONG))
    pots = [key for key, unit in whole.units.items() if unit.method == "pot"]
    assert finished
    steps, epochs = Steps(whole, together=True, stops={pots[0]: 3}), Epochs("pot")
    deadline = time.monotonic() + 60
    while store.leases.taken(whole.units) and time.monotonic() < deadline:
        time.sleep(0.1)
    summary = run(nothing_of(whole), store, InlineRunner(), steps, epochs)
    assert summary.stopped == {pots[0]}
    assert summary.done == whole.units.keys() - {pots[0]}
    assert finished.items() <= fingerprints(tmp_path).items(), "nothing was trained twice"
    assert min(epoch for epoch, _ in epochs.seen) > 3
    assert {members for _, members in epochs.seen} == {frozenset(pots[1:])}, "the checkpoint knows who lives"
    assert [past.epoch for past in steps.heard[pots[0]].history] == [1, 2, 3]
    assert not list(tmp_path.glob("checkpoints/*"))


@pytest.mark.slow
def test_a_full_run_goes_on_from_a_stack_of_which_a_killed_run_had_stopped_a_member(
    quiet_long: Path, tmp_path: Path
) -> None:
    with driver(tmp_path, "inline", steered=True) as process:
        wait_for(process, "epoch pot 6")
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    run_inline(small_sweep(tmp_path, training=LONG))
    assert contents(tmp_path).keys() == contents(quiet_long).keys()
    histories = [record["history"] for _, record in Store(str(tmp_path)).records() if record["method"] == "pot"]
    assert [len(history) for history in histories] == [LONG["epochs"]] * 2


def test_two_drivers_that_propose_the_same_do_each_unit_once(tmp_path: Path) -> None:
    with driver(tmp_path, "inline", steered=True) as first, driver(tmp_path, "inline", steered=True) as second:
        lines = []
        for process in (first, second):
            assert process.stdout is not None
            lines += process.stdout.read().splitlines()
            assert process.wait(timeout=60) == 0
    whole, _ = planned(small_sweep(tmp_path, training=LONG))
    (stopped,) = whole.units.keys() - whole.done
    computed = [line.removeprefix("trained ") for line in lines if line.startswith("trained ")]
    assert sorted(set(computed)) == sorted(whole.units)
    assert sorted(key for key in computed if key != stopped) == sorted(whole.done)
